// One subject in a process of its own: `worker.ts SUBJECT`, the server's address in DATABASE_URL. Runs a turn for each
// message and answers with what it gave.
import { type Subject, type SubjectName, subjects } from './subjects.ts';
import { type Account, accountCount, branchCount, nameOf, slowEvery, type Turn, type TurnResult } from './workload.ts';

/** One answer in so many is looked at. */
const checkEvery = 61;
/** More statements than any subject runs in one turn. */
const mostSamples = 1 << 19;

const latencies = new Float64Array(mostSamples);
const queueing = new Float64Array(mostSamples);

async function runTurn(name: SubjectName, url: string, turn: Turn): Promise<TurnResult> {
  let queued = 0;
  let watching = false;
  const subject = await subjects[name](url, turn, (ms) => {
    if (watching) queueing[queued++ % mostSamples] = ms;
  });
  const { callers } = turn;
  const from = performance.now() + turn.warmUpMs;
  const to = from + turn.measureMs;
  let issued = 0;
  let finished = 0;
  let timed = 0;
  let answered = 0;
  let errors = 0;
  let firstError: string | undefined;

  const failed = (error: unknown): void => {
    errors += 1;
    firstError ??= error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  };

  async function caller(number: number): Promise<void> {
    const run = statementOf(subject, turn, number);
    const check = checkOf(subject, turn);
    for (;;) {
      const began = performance.now();
      if (began >= to) return;
      watching ||= began >= from;
      issued += 1;
      const slow = turn.case === 'mixed' && issued % slowEvery === 0;
      const key = run.key();
      try {
        const answer = await (slow ? subject.slow() : run.send(key));
        const ended = performance.now();
        if (ended >= from && ended < to) finished += 1;
        if (began >= from && !slow) latencies[timed++ % mostSamples] = ended - began;
        answered += 1;
        if (slow ? subject.rows(answer).length !== 10 : issued % checkEvery === 0 && !check(answer, key)) {
          failed(`wrong answer for ${key}: ${JSON.stringify(answer)?.slice(0, 200)}`);
        }
      } catch (error) {
        failed(error);
      }
    }
  }

  await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
  await subject.end();
  const times = latencies.subarray(0, Math.min(timed, mostSamples)).toSorted();
  const waits = queueing.subarray(0, Math.min(queued, mostSamples)).toSorted();
  return {
    perSecond: (finished * 1000) / turn.measureMs,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    queuedP95: waits.length > 0 ? percentile(waits, 0.95) : undefined,
    errors,
    firstError,
    answered,
  };
}

/** The quick statement of a case, and whose row or branch a caller asks for next. Callers never update the same row. */
function statementOf(
  subject: Subject,
  turn: Turn,
  caller: number,
): { key(): number; send(key: number): PromiseLike<unknown> } {
  const anyOf = (count: number): number => Math.floor(Math.random() * count);
  switch (turn.case) {
    case 'point':
    case 'mixed':
      return { key: () => 1 + anyOf(accountCount), send: (id) => subject.point(id) };
    case 'ten':
      return { key: () => 1 + anyOf(branchCount), send: (branch) => subject.ten(branch) };
    case 'update': {
      const own = Math.floor(accountCount / turn.callers);
      return { key: () => 1 + caller + turn.callers * anyOf(own), send: (id) => subject.update(id) };
    }
  }
}

function checkOf(subject: Subject, turn: Turn): (answer: unknown, key: number) => boolean {
  const isAccount = ({ id, name, balance }: Account): boolean => name === nameOf(id) && Number.isInteger(balance);
  switch (turn.case) {
    case 'point':
    case 'mixed':
      return (answer, key) => {
        const [row, ...more] = subject.rows(answer);
        return row?.id === key && isAccount(row) && more.length === 0;
      };
    case 'ten':
      return (answer, key) => {
        const rows = subject.rows(answer);
        const ids = new Set(rows.map(({ id }) => id));
        return ids.size === 10 && rows.every((row) => row.branch_id === key && isAccount(row));
      };
    case 'update':
      return (answer) => subject.changed(answer) === 1;
  }
}

/** Of sorted values; the nearest rank. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

const name = process.argv[2] as SubjectName;
const url = process.env.DATABASE_URL ?? '';
process.on('disconnect', () => process.exit());
process.on('message', (turn: Turn) => {
  void runTurn(name, url, turn).then((result) => process.send?.(result));
});
