import { PitcrewError } from '../../../errors.ts';
import { checkDatabase } from './check-database.ts';
import { type Findings, isGone, saidOf } from './judge.ts';
import { type OwnCheck, runOwnCheck } from './own-checks.ts';
import type { DrilledDatabase, DrillRecord } from './record.ts';
import { openSession, type ScratchSession, type SessionOptions } from './session.ts';

export interface LookOptions extends Omit<SessionOptions, 'database'> {
  findings: Findings;
  ownChecks: readonly OwnCheck[];
  deep: boolean;
  /** In milliseconds since 1970. */
  until: number;
  onChecking(database: string, done: number, total: number): void;
}

export interface Looked {
  databases: DrilledDatabase[];
  checks: number;
  passed: number;
}

/** So many databases are looked at. */
const mostDatabases = 100;
/** Where there are own checks, they have what is left of the time beyond so much of it. */
const shareOfTables = 0.75;

/** Looks through all databases that take connections, then runs the user's own checks. */
export async function lookThrough(options: LookOptions): Promise<Looked> {
  const { findings, ownChecks, signal } = options;
  const looked: Looked = { databases: [], checks: ownChecks.length, passed: 0 };
  const now = Date.now();
  const until = ownChecks.length === 0 ? options.until : now + shareOfTables * (options.until - now);
  let at = 'the list of databases';
  try {
    const names = await databaseNames(options);
    for (const name of names.slice(0, mostDatabases)) {
      at = `database ${name}`;
      const shared = looked.databases.length === 0;
      const database = await inDatabase(options, name, (session) =>
        checkDatabase({
          ...options,
          session,
          name,
          shared,
          until,
          onChecked: (done, total) => options.onChecking(name, done, total),
        }),
      );
      if (database) looked.databases.push(database);
    }
    if (names.length > mostDatabases)
      findings.note(`only ${mostDatabases} of ${names.length} databases were looked at`);
    for (const [place, check] of ownChecks.entries()) {
      at = `check ${place + 1}`;
      const passed = await inDatabase(options, check.database ?? onlyOne(names), (session) =>
        runOwnCheck(session, check, at, options.until - Date.now(), findings),
      );
      if (passed) looked.passed += 1;
    }
  } catch (error) {
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the drill was stopped', { cause: error });
    if (error instanceof PitcrewError || !isGone(error)) throw error;
    findings.problem(`the server ended while it was asked for ${at}: ${saidOf(error)}`);
  }
  return looked;
}

function onlyOne(names: readonly string[]): string {
  const own = names.filter((name) => name !== 'postgres' && name !== 'template1');
  const [only = 'postgres', ...others] = own;
  if (others.length === 0) return only;
  throw new PitcrewError('E_USAGE', 'it is not said in which database the checks are run', {
    detail: `There are ${own.slice(0, 10).join(', ')}.`,
    hint: 'Give one of them with --check-in.',
  });
}

async function databaseNames({ findings, ...options }: LookOptions): Promise<string[]> {
  const session = await openFirst(options);
  try {
    const sql = `
      SELECT datname AS name, datallowconn AND datconnlimit <> -2 AS is_open
        FROM pg_database
       WHERE datname <> 'template0'
       ORDER BY oid`;
    const databases = await session.query<{ name: string; is_open: boolean }>(sql);
    for (const { name, is_open: isOpen } of databases) {
      if (!isOpen) findings.note(`database ${name} takes no connections, and was not looked at`);
    }
    return databases.flatMap(({ name, is_open: isOpen }) => (isOpen ? [name] : []));
  } finally {
    await session.close();
  }
}

/** Does something in a database. @returns `undefined` when it cannot be opened, which is told */
async function inDatabase<Result>(
  options: LookOptions,
  database: string,
  work: (session: ScratchSession) => Promise<Result>,
): Promise<Result | undefined> {
  let session: ScratchSession;
  try {
    session = await openSession({ ...options, database });
  } catch (error) {
    if (isGone(error)) throw error;
    const said = `database ${database} could not be opened: ${saidOf(error)}`;
    // What this machine lacks says nothing of the backup.
    if (/locale|collation|could not access file/.test(saidOf(error))) options.findings.note(said);
    else options.findings.problem(said);
    return undefined;
  }
  try {
    return await work(session);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (isGone(error)) throw error;
    // As when its catalogs are damaged.
    options.findings.problem(`database ${database} cannot be read: ${saidOf(error)}`);
    return undefined;
  } finally {
    await session.close();
  }
}

/** Opens one of the databases that are nearly everywhere. */
async function openFirst(options: Omit<SessionOptions, 'database'>): Promise<ScratchSession> {
  try {
    return await openSession({ ...options, database: 'postgres' });
  } catch (error) {
    if (isGone(error)) throw error;
    return openSession({ ...options, database: 'template1' });
  }
}

/** Roles that most clusters have. */
const usualRoles = ['postgres', 'pitcrew'];

/** A role of the restored cluster that may do everything, if one of the usual ones may; and to where it has recovered. */
export async function firstLook(
  options: Omit<SessionOptions, 'database' | 'role'>,
): Promise<{ role: string; reached: DrillRecord['reached'] } | undefined> {
  for (const role of usualRoles) {
    try {
      const session = await openFirst({ ...options, role });
      try {
        const sql = `
          SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super,
                 (pg_last_wal_replay_lsn() - '0/0')::text                     AS lsn,
                 pg_last_xact_replay_timestamp()                              AS at,
                 (SELECT timeline_id FROM pg_control_checkpoint())            AS timeline`;
        const [row] = await session.query<{ is_super: boolean; lsn: string | null; at: Date | null; timeline: number }>(
          sql,
        );
        if (!row?.is_super) continue;
        const lsn = row.lsn === null ? null : BigInt(row.lsn);
        return { role, reached: { lsn, at: row.at, timeline: row.timeline } };
      } finally {
        await session.close();
      }
    } catch (error) {
      if (isGone(error)) throw error;
    }
  }
  return undefined;
}
