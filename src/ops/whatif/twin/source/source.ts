import { PitcrewError } from '../../../../errors.ts';
import type { DatabaseConnection, Parameter } from '../../../../engine/postgres/index.ts';

/** Reads the catalog of the watched database without ever waiting for a lock. */
export interface Source {
  read<Row extends object>(sql: string, params?: readonly Parameter[]): Promise<Row[]>;
  /**
   * Reads with functions that look into relations (`pg_get_expr`, `pg_relation_size`, …) and so take ACCESS SHARE. `$1` is a list of
   * relations to leave out: those that another session has locked exclusively, or waits to. Further parameters follow.
   */
  readUnlocked<Row extends object>(sql: string, params?: readonly Parameter[]): Promise<Row[]>;
  /** As `readUnlocked` with the list of oids as `$2`, some at a time. */
  readEach<Row extends object>(sql: string, oids: readonly number[]): Promise<Row[]>;
  /** Relations that were left out so far. */
  readonly locked: ReadonlySet<number>;
}

const lockNotAvailable = '55P03';
/** How often a read is tried again because a lock came in between. */
const attempts = 5;
/** So many objects are read by one statement, so that each stays far below its timeout. */
const batchSize = 1000;

export function openSource(connection: DatabaseConnection, signal?: AbortSignal): Source {
  const locked = new Set<number>();
  let asked = false;

  async function findLocked(): Promise<void> {
    asked = true;
    const rows = await connection.run<{ oid: number }>(`
      SELECT DISTINCT l.relation AS "oid"
        FROM pg_locks l
       WHERE l.locktype = 'relation'
         AND l.mode = 'AccessExclusiveLock'
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    `);
    for (const { oid } of rows) locked.add(oid);
  }

  async function readUnlocked<Row extends object>(sql: string, params: readonly Parameter[] = []): Promise<Row[]> {
    if (!asked) await findLocked();
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      try {
        return await connection.runPlanned<Row>(sql, [oidList([...locked]), ...params]);
      } catch (error) {
        const waited = error instanceof PitcrewError && error.sqlState === lockNotAvailable;
        if (!waited || attempt === attempts) throw error;
        await findLocked();
      }
    }
  }

  return {
    locked,
    read: async (sql, params = []) => {
      signal?.throwIfAborted();
      return connection.run(sql, params);
    },
    readUnlocked,
    readEach: async <Row extends object>(sql: string, oids: readonly number[]) => {
      const rows: Row[] = [];
      for (let start = 0; start < oids.length; start += batchSize) {
        for (const row of await readUnlocked<Row>(sql, [oidList(oids.slice(start, start + batchSize))])) rows.push(row);
      }
      return rows;
    },
  };
}

function oidList(oids: readonly number[]): string {
  return `{${oids.join(',')}}`;
}

/** SQL: the namespace `n` is neither the system's nor for temporary tables. */
export const userNamespace = `
  n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_(toast_)?temp_'`;

/** SQL: the object does not belong to an extension, which makes its own; nor, as a range's constructors, to another object. */
export function notOfExtension(catalog: string, oid: string): string {
  const made = catalog === 'pg_proc' ? `d.deptype IN ('e', 'i')` : `d.deptype = 'e'`;
  return `NOT EXISTS (SELECT FROM pg_depend d
                       WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND ${made})`;
}
