/** Counts bytes, and says how many came a second of late. */
export interface Throughput {
  readonly total: number;
  add(bytes: number): void;
  perSecond(): number;
}

const spanMs = 10_000;
const stepMs = 500;

export function makeThroughput(): Throughput {
  let total = 0;
  let samples: { at: number; total: number }[] = [{ at: performance.now(), total: 0 }];
  return {
    get total() {
      return total;
    },
    add(bytes) {
      const now = performance.now();
      if (now - (samples.at(-1)?.at ?? 0) >= stepMs) {
        samples = [...samples.filter(({ at }) => now - at < spanMs), { at: now, total }];
      }
      total += bytes;
    },
    perSecond() {
      const now = performance.now();
      const first = samples.find(({ at }) => now - at < spanMs);
      return first ? Math.round(((total - first.total) / Math.max(1000, now - first.at)) * 1000) : 0;
    },
  };
}
