/** What one reload has shown: whether the value had changed in that time. */
export interface Observation {
  readonly tookMs: number;
  readonly changed: boolean;
}

const steps = 60;

/**
 * How often a value changes, per ms, when changes come at random (a Poisson process) and of each time between two looks it is
 * only known whether there was a change, or several: the maximum-likelihood estimate for looks at irregular times of J. Cho and
 * H. Garcia-Molina, Estimating Frequency of Change, ACM TOIT 3(3), 2003, section 5, which solves
 * Σ changed t / (e^(λt) − 1) = Σ unchanged t. As in their section 4 half a look without a change is added: at regular times this is
 * their estimator −ln((unchanged + 0.5) / (looks + 0.5)) / t, which is finite when all looks have shown a change, and less biased.
 * @returns 0 when nothing was seen to change
 */
export function changeRate(observations: readonly Observation[]): number {
  const changed = observations.filter((each) => each.changed && each.tookMs > 0).map(({ tookMs }) => tookMs);
  if (changed.length === 0) return 0;
  const total = observations.reduce((sum, { tookMs }) => sum + tookMs, 0);
  const unchanged = observations.reduce((sum, each) => sum + (each.changed ? 0 : each.tookMs), 0);
  const wanted = unchanged + total / observations.length / 2;
  const expected = (rate: number): number => changed.reduce((sum, ms) => sum + ms / Math.expm1(rate * ms), 0);
  // `expected` falls from infinity to 0, and t / (e^(λt) − 1) < 1 / λ: the solution is below this.
  let low = 0;
  let high = changed.length / wanted;
  for (let i = 0; i < steps; i++) {
    const middle = (low + high) / 2;
    if (expected(middle) > wanted) low = middle;
    else high = middle;
  }
  return high;
}
