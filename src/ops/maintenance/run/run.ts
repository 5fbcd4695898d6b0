import { setTimeout as delay } from 'node:timers/promises';
import type { ChangeSession } from '../../../engine/postgres/index.ts';
import { messageOf, type PitcrewError, toPitcrewError } from '../../../errors.ts';
import { type CheckContext, preflight, sessionForChanges } from '../../advisor/index.ts';
import { duration } from '../../words/index.ts';
import { type PlanOptions, tableJudge } from '../plan/plan.ts';
import type {
  JournalEnd,
  MaintenanceJournal,
  MaintenancePlan,
  MaintenanceTask,
  TaskOutcome,
  TaskResult,
} from '../types.ts';
import { effectOf, maintainedAt, see } from './effect.ts';
import { readInvalid, removeLeftovers } from './leftovers.ts';
import { busyWith, type LoadPolicy, usualLoad, waitingFor, workOn } from './load.ts';

export interface RunOptions {
  url: string;
  journal: MaintenanceJournal;
  /** What was planned with: a task is looked at again when its turn comes. */
  planned: PlanOptions;
  /** All of it together; what runs then is cancelled. 30 minutes by default. */
  maxMs?: number;
  load?: Partial<LoadPolicy>;
  /** Rebuilds indexes also where it cannot be told whether there is room, or whether a long transaction would hold it up. */
  force?: boolean;
  /** Ends it: what runs is cancelled, and what it left is removed. */
  signal?: AbortSignal | undefined;
  /** Told when a task begins, when it waits, and when it has ended. */
  tell?: ((event: RunEvent) => void) | undefined;
}

export type RunEvent =
  | { type: 'waiting'; task: MaintenanceTask; why: string }
  | { type: 'running'; task: MaintenanceTask; number: number; of: number }
  | { type: 'ended'; result: TaskResult };

interface Run extends RunOptions {
  context: CheckContext;
  session: ChangeSession;
  policy: LoadPolicy;
  /** Aborted when the time is up or somebody wants it to end. */
  ending: AbortSignal;
  isLate: () => boolean;
  /** The session broke in the middle of a statement. */
  lost: boolean;
}

/** A lock on a table is waited for no longer: until then others may queue up behind us. */
const tableLockMs = 1000;
/** REINDEX CONCURRENTLY waits for the transactions of others without keeping anybody waiting. */
const gentleLockMs = 30_000;
const longTransactionMs = 60_000;

/**
 * Runs a plan, one task after the other, as long as time and load allow. Only one change of a database is under way at a time,
 * those of the advisor included.
 * @throws {PitcrewError} `E_CONFLICT` when another change is under way; of connecting. What goes wrong with a task is in its result.
 */
export async function runMaintenance(
  context: CheckContext,
  plan: MaintenancePlan,
  options: RunOptions,
): Promise<TaskResult[]> {
  if (plan.tasks.length === 0) return [];
  const maxMs = options.maxMs ?? 30 * 60_000;
  const endsAt = performance.now() + maxMs;
  const session = await sessionForChanges(options.url);
  const time = AbortSignal.timeout(Math.ceil(maxMs));
  const run: Run = {
    ...options,
    context,
    session,
    policy: { ...usualLoad, ...options.load },
    ending: options.signal ? AbortSignal.any([options.signal, time]) : time,
    isLate: () => performance.now() >= endsAt,
    lost: false,
  };
  const results: TaskResult[] = [];
  try {
    await beGentle(session);
    for (const [at, task] of plan.tasks.entries()) {
      const left = endsAt - performance.now();
      const result = await oneTask(run, task, { number: at + 1, of: plan.tasks.length }, left);
      options.tell?.({ type: 'ended', result });
      results.push(result);
    }
  } finally {
    await session.close();
  }
  return results;
}

/** A pause after each so many pages, as autovacuum makes them, at ten times its speed. */
async function beGentle(session: ChangeSession): Promise<void> {
  const limits = { statementTimeoutMs: 5000, lockTimeoutMs: tableLockMs };
  await session.run(
    `SELECT set_config('vacuum_cost_delay', '2ms', false), set_config('vacuum_cost_limit', '2000', false)`,
    [],
    limits,
  );
}

function ended(task: MaintenanceTask, outcome: TaskOutcome, reason: string, ms = 0): TaskResult {
  return { task, outcome, reason, ms, effect: null };
}

async function oneTask(
  run: Run,
  task: MaintenanceTask,
  at: { number: number; of: number },
  left: number,
): Promise<TaskResult> {
  if (run.signal?.aborted) return ended(task, 'not-run', 'interrupted');
  if (run.isLate()) return ended(task, 'not-run', 'the time was up');
  if (run.lost || !run.session.isOpen) return ended(task, 'not-run', 'the connection was lost');
  // One that would be cancelled half way is no use to anybody.
  if (task.estimatedSeconds * 1000 > left) {
    return ended(
      task,
      'not-run',
      `it would take about ${duration(task.estimatedSeconds)}, and ${duration(left / 1000)} are left`,
    );
  }
  try {
    const obstacle = (await waitForCalm(run, task)) ?? (await whyNot(run, task));
    if (obstacle) return ended(task, obstacle.outcome, obstacle.reason);
    run.tell?.({ type: 'running', task, ...at });
    return await carryOut(run, task);
  } catch (thrown) {
    const { message, detail } = toPitcrewError(thrown);
    return ended(task, 'failed', detail ? `${message}: ${detail}` : message);
  }
}

interface Obstacle {
  outcome: TaskOutcome;
  reason: string;
}

async function waitForCalm(
  { context, policy, ending, tell, signal }: Run,
  task: MaintenanceTask,
): Promise<Obstacle | undefined> {
  for (;;) {
    const why = await busyWith(context.connection, policy);
    if (why === undefined) return undefined;
    tell?.({ type: 'waiting', task, why });
    await delay(policy.everyMs, undefined, { signal: ending }).catch(() => {});
    if (ending.aborted) {
      return {
        outcome: 'not-run',
        reason: signal?.aborted ? 'interrupted' : `the server was busy until the time was up: ${why}`,
      };
    }
  }
}

/** Why it is not run, now that its turn has come. */
async function whyNot(run: Run, task: MaintenanceTask): Promise<Obstacle | undefined> {
  const { context, session, url } = run;
  const skipped = (reason: string): Obstacle => ({ outcome: 'skipped', reason });
  const work = await workOn(context.connection, task.schema, task.table);
  if (work !== undefined) return skipped(`${work} of its table is under way`);
  if (task.tableOid !== null) {
    const judge = await tableJudge(context, run.planned);
    const { table } = await see(context.connection, context.profile, task);
    if (!table) return skipped('the table is gone');
    if (!judge(table)) return skipped('it is not needed any more');
    return undefined;
  }
  const { refusals, doubts } = await preflight(
    session,
    url,
    { needsBytes: task.needsBytes },
    [task.statement],
    longTransactionMs,
  );
  const against = [...refusals, ...(run.force ? [] : doubts)];
  return against.length > 0 ? skipped(against.join('; ')) : undefined;
}

async function carryOut(run: Run, task: MaintenanceTask): Promise<TaskResult> {
  const { context, session, journal } = run;
  const before = await see(context.connection, context.profile, task);
  const invalid = task.kind === 'reindex' ? await readInvalid(context.connection, task) : [];
  const end = await journal.begin({
    subject: `${task.kind}:${task.schema}.${task.index ?? task.table}`,
    statement: task.statement,
    serverPid: session.pid,
    sessionBegan: session.startedAt,
  });
  const began = performance.now();
  const { error, yielded } = await execute(run, task);
  const ms = performance.now() - began;
  const unwritten = await end(endOf(error, ms)).catch(
    (thrown: unknown) => `it could not be written down: ${messageOf(thrown)}`,
  );
  if (error) {
    if (error.code === 'E_OUTCOME_UNKNOWN') run.lost = true;
    const left =
      task.kind === 'reindex' && !run.lost && session.isOpen
        ? await removeLeftovers(session, context.connection, task, invalid)
        : undefined;
    const { outcome, reason } = obstacleOf(run, error, yielded);
    return ended(task, outcome, [reason, left, unwritten].filter((part) => part !== undefined).join('; '), ms);
  }
  const after = await see(context.connection, context.profile, task);
  // SKIP_LOCKED ends well also where it did nothing.
  if (
    task.tableOid !== null &&
    context.profile.trackCounts &&
    maintainedAt(task, after) === maintainedAt(task, before)
  ) {
    return ended(task, 'skipped', 'its table is locked', ms);
  }
  return { task, outcome: 'done', reason: unwritten ?? null, ms, effect: effectOf(task, before, after) };
}

function endOf(error: PitcrewError | undefined, durationMs: number): JournalEnd {
  if (error === undefined) return { outcome: 'done', durationMs };
  const outcome = error.code === 'E_ABORTED' ? 'cancelled' : error.code === 'E_OUTCOME_UNKNOWN' ? 'unknown' : 'failed';
  return {
    outcome,
    durationMs,
    error: error.message,
    ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
  };
}

function obstacleOf({ signal }: Run, error: PitcrewError, yielded: boolean): Obstacle {
  if (error.code === 'E_ABORTED') {
    if (yielded) return { outcome: 'cancelled', reason: 'others waited for its lock' };
    return { outcome: 'cancelled', reason: signal?.aborted ? 'interrupted' : 'the time was up' };
  }
  if (error.sqlState === '55P03') return { outcome: 'skipped', reason: 'its table is locked' };
  return { outcome: 'failed', reason: error.detail ? `${error.message}: ${error.detail}` : error.message };
}

/** How often in a row others may be seen waiting for us. */
const mostSightings = 2;
const lookEveryMs = 500;

/** Runs the statement, and gives it up when others come to wait for its locks. */
async function execute(run: Run, task: MaintenanceTask): Promise<{ error?: PitcrewError; yielded: boolean }> {
  const { session, context, ending } = run;
  const yielding = new AbortController();
  const over = new AbortController();
  const watching = (async () => {
    for (let sightings = 0; !over.signal.aborted;) {
      await delay(lookEveryMs, undefined, { signal: over.signal }).catch(() => {});
      if (over.signal.aborted) return;
      const waiting = await waitingFor(context.connection, session.pid).catch(() => 0);
      sightings = waiting > 0 ? sightings + 1 : 0;
      if (sightings >= mostSightings) return yielding.abort();
    }
  })();
  try {
    await session.run(task.statement, [], {
      statementTimeoutMs: 0,
      lockTimeoutMs: task.index === undefined ? tableLockMs : gentleLockMs,
      signal: AbortSignal.any([ending, yielding.signal]),
    });
    return { yielded: false };
  } catch (thrown) {
    return { error: toPitcrewError(thrown), yielded: yielding.signal.aborted };
  } finally {
    over.abort();
    await watching;
  }
}
