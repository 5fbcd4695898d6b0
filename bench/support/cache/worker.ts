// One cache in a process of its own: `worker.ts SUBJECT`. Runs a turn for each message and answers with what it gave.
import { keyCount, productOf, type Product, type Subject, type SubjectName, subjects } from './subjects.ts';

export interface Turn {
  case: 'hit' | 'sync' | 'tag';
  measureMs: number;
}

export interface TurnResult {
  /** Gets per second; of `tag` ms for one invalidation. `undefined` where the subject cannot. */
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

process.on('message', ({ case: what, measureMs }: Turn) => {
  const measured = what === 'hit' ? measureHits(measureMs) : what === 'sync' ? measureSync(measureMs) : measureTag();
  void measured.then((result) => process.send?.(result));
});
