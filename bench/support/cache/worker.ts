// One cache in a process of its own: `worker.ts SUBJECT`. Runs a turn for each message and answers with what it gave.
import { keyCount, productOf, type Product, type Subject, type SubjectName, subjects } from './subjects.ts';

export interface Turn {
  case: 'hit' | 'sync' | 'tag' | 'skewed';
  measureMs: number;
}

export interface TurnResult {
  /** Gets per second; of `tag` ms for one invalidation, of `skewed` the share of hits. `undefined` where the subject cannot. */
  value: number | undefined;
  errors: number;
}

/** Hits between two looks at the clock. */
const batch = 5000;
const taggedCount = 1_000_000;

const keys = Array.from({ length: keyCount }, (_, i) => `product:${i}`);
const name = process.argv[2] as SubjectName;
const subject: Subject = subjects[name]();

async function measureHits(measureMs: number): Promise<TurnResult> {
  let errors = 0;
  for (const key of keys) {
    if (((await subject.remember(key)) as Product).name !== productOf(key).name) errors += 1;
  }
  const began = performance.now();
  let done = 0;
  let at = 0;
  while (performance.now() - began < measureMs) {
    for (let i = 0; i < batch; i++) {
      at = at + 1 === keyCount ? 0 : at + 1;
      if ((await subject.remember(keys[at] as string)) === undefined) errors += 1;
    }
    done += batch;
  }
  return { value: (done * 1000) / (performance.now() - began), errors };
}

async function measureSync(measureMs: number): Promise<TurnResult> {
  const { sync } = subject;
  if (!sync) return { value: undefined, errors: 0 };
  for (const key of keys) await subject.remember(key);
  let errors = 0;
  const began = performance.now();
  let done = 0;
  let at = 0;
  while (performance.now() - began < measureMs) {
    for (let i = 0; i < batch; i++) {
      at = at + 1 === keyCount ? 0 : at + 1;
      if (sync(keys[at] as string) === undefined) errors += 1;
    }
    done += batch;
  }
  return { value: (done * 1000) / (performance.now() - began), errors };
}

async function measureTag(): Promise<TurnResult> {
  const { tagged } = subject;
  if (!tagged) return { value: undefined, errors: 0 };
  const members = Array.from({ length: taggedCount }, (_, i) => `member:${i}`);
  await tagged.fill(members);
  let errors = (await tagged.has('member:0')) ? 0 : 1;
  const began = performance.now();
  await tagged.invalidate();
  const tookMs = performance.now() - began;
  for (const key of ['member:0', `member:${taggedCount - 1}`]) if (await tagged.has(key)) errors += 1;
  return { value: tookMs, errors };
}

/** Keys of the skewed load, and how many of them are asked for. */
const skewedKeys = 100_000;
const skewedRequests = 1_000_000;
/** One request in so many is a write of a key that is drawn evenly. */
const writeEvery = 10;

/** Which keys are asked for: the n-th most popular one with a probability in proportion to 1/n (G. K. Zipf). */
function zipf(): () => number {
  const sums = new Float64Array(skewedKeys);
  let sum = 0;
  for (let n = 0; n < skewedKeys; n++) sums[n] = sum += 1 / (n + 1);
  return () => {
    const wanted = Math.random() * sum;
    let low = 0;
    let high = skewedKeys - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** The first half of the requests fills the cache. */
async function measureSkewed(): Promise<TurnResult> {
  const skewed = subject.skewed?.();
  if (!skewed) return { value: undefined, errors: 0 };
  const draw = zipf();
  let loads = 0;
  let asked = 0;
  for (let i = 0; i < skewedRequests; i++) {
    if (i === skewedRequests / 2) loads = asked = 0;
    if (i % writeEvery === 0) {
      await skewed.invalidate(`product:${Math.floor(Math.random() * skewedKeys)}`);
      continue;
    }
    const key = `product:${draw()}`;
    asked += 1;
    await skewed.remember(key, () => {
      loads += 1;
      return productOf(key);
    });
  }
  return { value: 1 - loads / asked, errors: 0 };
}

process.on('message', ({ case: what, measureMs }: Turn) => {
  const measure = {
    hit: () => measureHits(measureMs),
    sync: () => measureSync(measureMs),
    tag: measureTag,
    skewed: measureSkewed,
  }[what];
  void measure().then((result) => process.send?.(result));
});
