// One way to read from the Redis of REDIS_URL, in a process of its own: `redis-worker.ts SUBJECT`.
import { redisSubjects } from './redis-subjects.ts';
import { keyCount } from './subjects.ts';

export interface RedisTurn {
  case: 'get' | 'getMany';
  measureMs: number;
}

export interface RedisTurnResult {
  perSecond: number;
  errors: number;
}

/** Callers at the same time. */
const callers = 100;
/** Keys of one `getMany`. */
const manyKeys = 100;

const open = redisSubjects[process.argv[2] ?? ''];
if (!open) throw new Error('name a subject');
const subject = await open(process.env['REDIS_URL'] ?? '');

const keyOf = (n: number): string => `product:${n % keyCount}`;

async function measure({ case: what, measureMs }: RedisTurn): Promise<RedisTurnResult> {
  let errors = 0;
  let done = 0;
  let next = 0;
  const until = performance.now() + measureMs;
  const many = Array.from({ length: manyKeys }, (_, i) => keyOf(i));
  const one = async (): Promise<void> => {
    const value = what === 'get' ? await subject.get(keyOf(next++)) : await subject.getMany(many);
    if (value === undefined || value === null) errors += 1;
    if (value instanceof Map && value.size !== manyKeys) errors += 1;
    done += 1;
  };
  await Promise.all(
    // Many keys at once are asked for by few.
    Array.from({ length: what === 'get' ? callers : 4 }, async () => {
      while (performance.now() < until) await one();
    }),
  );
  return { perSecond: (done * 1000) / measureMs, errors };
}

process.on('message', (turn: RedisTurn) => void measure(turn).then((result) => process.send?.(result)));
process.on('disconnect', () => void subject.close().then(() => process.exit()));
