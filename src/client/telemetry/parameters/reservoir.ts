/** Values of a call by the number of their placeholder: `{ 1: '42', 2: null }`. What is left out is not in it. */
export type ParameterValues = Readonly<Record<string, string | null>>;

/** Where nothing of a call could be kept, so many pass before the next one is looked at. */
const passedOver = 32;
/** Once told, a statement's values are told again after this time, in ms: they say what is usual, not what is new. */
const restMs = 300_000;

/**
 * Values of some calls of one statement: of calls chosen at random, each as likely as any other, and of the slowest one. What is chosen at
 * random has the shares that values really have, so that what is planned with it weighs as much as it should.
 */
export class Reservoir {
  readonly #usual: ParameterValues[] = [];
  readonly #mostUsual: number;
  readonly #keepsSlowest: boolean;
  #slowest: ParameterValues | undefined;
  #slowestMs = 0;
  /** Calls until the next one is taken. */
  #left = 1;
  /** As in Li's Algorithm L, "Reservoir-sampling algorithms of time complexity O(n(1 + log(N/n)))", 1994. */
  #weight = 1;
  #restsUntil = 0;

  /** @param most calls of which values are kept; where there are several, one is the slowest */
  constructor(most: number) {
    this.#keepsSlowest = most > 1;
    this.#mostUsual = this.#keepsSlowest ? most - 1 : most;
  }

  /** Counts a call. @returns whether its values are to be added */
  wants(durationMs: number): boolean {
    this.#left -= 1;
    return this.#left <= 0 || (this.#keepsSlowest && durationMs > this.#slowestMs);
  }

  /** Of a call that was wanted; `undefined` when none of its values may be kept. */
  add(values: ParameterValues | undefined, durationMs: number): void {
    if (this.#keepsSlowest && durationMs > this.#slowestMs) {
      this.#slowest = values;
      this.#slowestMs = durationMs;
    }
    if (this.#left > 0) return;
    if (!values) {
      this.#left = passedOver;
      return;
    }
    if (this.#usual.length < this.#mostUsual) this.#usual.push(values);
    else this.#usual[Math.floor(Math.random() * this.#mostUsual)] = values;
    this.#left = this.#usual.length < this.#mostUsual ? 1 : this.#skip();
  }

  /** Two at random, then the slowest, then others: who takes a few takes some of both. Empty as long as it rests. */
  due(now: number): ParameterValues[] {
    if (now < this.#restsUntil) return [];
    const slowest = this.#slowest;
    const isOther = slowest !== undefined && !this.#usual.includes(slowest);
    return isOther ? this.#usual.toSpliced(2, 0, slowest) : [...this.#usual];
  }

  /** They are on their way: it begins anew. */
  told(now: number): void {
    this.#restsUntil = now + restMs;
    this.#usual.length = 0;
    this.#slowest = undefined;
    this.#slowestMs = 0;
    this.#left = 1;
    this.#weight = 1;
  }

  #skip(): number {
    this.#weight *= Math.exp(Math.log(Math.random()) / this.#mostUsual);
    return Math.floor(Math.log(Math.random()) / Math.log(1 - this.#weight)) + 1;
  }
}
