import { connectDatabase, type DatabaseConnection } from '../../../../engine/postgres/index.ts';

/** How far a change that is under way is. */
export interface ChangeProgress {
  /** Which of the statements runs, from 1, and of how many. */
  statement: number;
  of: number;
  /** "building index: scanning table", "waiting to try again". */
  phase: string;
  /** Of the statement, 0–1; `null` where the server does not tell. */
  ratio: number | null;
  /** From how long it took so far; `null` while that tells nothing. */
  secondsLeft: number | null;
  /** Who holds it up: "session 4711 (app, shop), for 12 s". */
  waitsFor: string | null;
}

/** Where in the whole each phase of building an index lies, by its beginning; the next one's beginning is its end. */
const phases: readonly (readonly [name: string, from: number])[] = [
  ['initializing', 0],
  ['waiting for writers before build', 0],
  ['building index', 0.02],
  ['building index: scanning table', 0.02],
  ['building index: sorting live tuples', 0.4],
  ['building index: loading tuples in tree', 0.5],
  ['waiting for writers before validation', 0.7],
  ['index validation: scanning index', 0.72],
  ['index validation: sorting tuples', 0.8],
  ['index validation: scanning table', 0.82],
  ['waiting for old snapshots', 0.97],
  ['waiting for readers before marking dead', 0.98],
  ['waiting for readers before dropping', 0.99],
];

/** Below this the time so far says nothing of the time left. */
const tellingRatio = 0.05;

/** The share of the whole, from the phase and how far it is. Shares of the phases are those of a B-tree of middling size. */
export function ratioOf(phase: string, done: number | null, total: number | null): number | null {
  const at = phases.findIndex(([name]) => name === phase);
  const known = phases[at];
  if (!known) return done !== null && total !== null && total > 0 ? Math.min(1, done / total) : null;
  const from = known[1];
  const to = phases.slice(at + 1).find(([, begins]) => begins > from)?.[1] ?? 1;
  const within = done !== null && total !== null && total > 0 ? Math.min(1, done / total) : 0;
  return from + (to - from) * within;
}

export function secondsLeftOf(ratio: number | null, elapsedMs: number): number | null {
  if (ratio === null || ratio < tellingRatio || ratio >= 1) return null;
  return ((elapsedMs / 1000) * (1 - ratio)) / ratio;
}

interface ProgressRow {
  phase: string | null;
  done: number | null;
  total: number | null;
  blocker: string | null;
}

/** Reads how far the statement of a session is; `undefined` when it runs none. */
async function readProgressOf(connection: DatabaseConnection, pid: number): Promise<ProgressRow | undefined> {
  const [row] = await connection.run<ProgressRow>(
    `
    SELECT coalesce(i.phase, v.phase, n.phase)                                       AS "phase",
           CASE WHEN i.tuples_total > 0 THEN i.tuples_done
                ELSE coalesce(i.blocks_done, v.heap_blks_scanned, n.sample_blks_scanned) END AS "done",
           CASE WHEN i.tuples_total > 0 THEN i.tuples_total
                ELSE coalesce(i.blocks_total, v.heap_blks_total, n.sample_blks_total) END    AS "total",
           (SELECT format('session %s (%s)%s', b.pid, concat_ws(', ', b.usename, nullif(b.application_name, '')),
                          ', for ' || greatest(0, round(extract(epoch FROM clock_timestamp() - b.xact_start))) || ' s')
              FROM pg_stat_activity b
             WHERE b.pid = ANY (pg_blocking_pids(a.pid))
             LIMIT 1)                                                                AS "blocker"
      FROM pg_stat_activity a
      LEFT JOIN pg_stat_progress_create_index i ON i.pid = a.pid
      LEFT JOIN pg_stat_progress_vacuum v       ON v.pid = a.pid
      LEFT JOIN pg_stat_progress_analyze n      ON n.pid = a.pid
     WHERE a.pid = $1
    `,
    [pid],
  );
  return row;
}

export interface Follower {
  /** To be told which statement runs now. */
  statement(number: number): void;
  phase(text: string): void;
  stop(): Promise<void>;
}

/**
 * Follows what a session runs from a connection of its own, once a second, and tells when something has changed. What goes wrong with that
 * only leaves the progress unknown.
 */
export function followProgress(
  { url, pid, of, everyMs = 1000 }: { url: string; pid: number; of: number; everyMs?: number },
  tell: (progress: ChangeProgress) => Promise<void>,
): Follower {
  let current: ChangeProgress = { statement: 1, of, phase: 'starting', ratio: null, secondsLeft: null, waitsFor: null };
  let began = performance.now();
  let told = '';
  let telling: Promise<void> = Promise.resolve();
  let connection: DatabaseConnection | undefined;
  let running: Promise<void> | undefined;

  const show = (change: Partial<ChangeProgress>): void => {
    current = { ...current, ...change };
    const text = JSON.stringify(current);
    if (text === told) return;
    told = text;
    const progress = current;
    telling = telling.then(() => tell(progress)).catch(() => {});
  };
  async function read(): Promise<void> {
    try {
      connection ??= await connectDatabase({ url });
      const row = await readProgressOf(connection, pid);
      if (!row?.phase) return show({ waitsFor: row?.blocker ?? null });
      const ratio = ratioOf(row.phase, row.done, row.total);
      const secondsLeft = secondsLeftOf(ratio, performance.now() - began);
      show({ phase: row.phase, ratio, secondsLeft, waitsFor: row.blocker });
    } catch {
      await connection?.close();
      connection = undefined;
    }
  }
  const timer = setInterval(() => {
    running ??= read().finally(() => {
      running = undefined;
    });
  }, everyMs);
  timer.unref();

  return {
    statement(number) {
      began = performance.now();
      show({ statement: number, phase: 'starting', ratio: null, secondsLeft: null, waitsFor: null });
    },
    phase: (text) => show({ phase: text, ratio: null, secondsLeft: null }),
    async stop() {
      clearInterval(timer);
      await running;
      await telling;
      await connection?.close();
    },
  };
}
