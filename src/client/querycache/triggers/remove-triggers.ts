import type pg from 'pg';
import { messageOf } from '../../../errors.ts';
import type { Problem } from '../stream/index.ts';
import { inTransaction, lockTimedOut, onlyOne } from './careful.ts';
import { ours } from './coverage-sql.ts';
import { functionSchema } from './trigger-function.ts';

/** What became of an attempt to remove triggers. */
export interface Removed {
  /** Tables that had triggers and have none any more, as they are written in SQL. */
  tables: string[];
  /** What is still there, with why: to be called again then. Empty: nothing is left. */
  left: Problem[];
}

const triggeredSql = `
SELECT /* pitcrew */
       t.tgrelid::regclass::text                                    AS "table",
       string_agg(format('DROP TRIGGER IF EXISTS %I ON %s', t.tgname, t.tgrelid::regclass), '; ')
                                                                    AS "drop"
  FROM pg_trigger t
  JOIN pg_proc f ON f.oid = t.tgfoid
 WHERE ${ours}
 GROUP BY t.tgrelid
 ORDER BY t.tgrelid
`;

const functionsSql = `
SELECT /* pitcrew */ f.oid::regprocedure::text AS "name" FROM pg_proc f WHERE ${ours}
`;

const emptySchemaSql = `
SELECT /* pitcrew */
       to_regnamespace('${functionSchema}') IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE refclassid = 'pg_namespace'::regclass
                          AND refobjid = to_regnamespace('${functionSchema}')) AS "empty"
`;

/**
 * Takes away all that `TriggerStream` has made in this database: triggers, functions, and the schema when nothing else is in it. Waits
 * 2 s at most for the lock of each table. Streams that still run with consent would make them again: close those first.
 * @throws what the server says when it cannot be asked.
 */
export async function removeTriggers(client: pg.ClientBase): Promise<Removed> {
  const removed = await onlyOne(client, () => remove(client));
  return (
    removed ?? {
      tables: [],
      left: [{ message: 'somebody else is making or removing triggers', hint: 'Try again in a moment.' }],
    }
  );
}

async function remove(client: pg.ClientBase): Promise<Removed> {
  const outcome: Removed = { tables: [], left: [] };
  const attempt = async (what: string, ...statements: string[]): Promise<boolean> => {
    try {
      await inTransaction(client, async () => {
        for (const statement of statements) await client.query(statement);
      });
      return true;
    } catch (error) {
      outcome.left.push({
        message: `${what} could not be removed: ${messageOf(error)}`,
        hint: lockTimedOut(error) ? 'Try again when the table is less busy.' : 'Its owner can do it.',
      });
      return false;
    }
  };
  const { rows: triggered } = await client.query<{ table: string; drop: string }>(triggeredSql);
  for (const { table, drop } of triggered) {
    if (await attempt(`the triggers of ${table}`, drop)) outcome.tables.push(table);
  }
  if (outcome.left.length > 0) return outcome;
  const { rows: functions } = await client.query<{ name: string }>(functionsSql);
  for (const { name } of functions) await attempt(`the function ${name}`, `DROP /* pitcrew */ FUNCTION ${name}`);
  const { rows } = await client.query<{ empty: boolean }>(emptySchemaSql);
  if (rows[0]?.empty === true) {
    await attempt(`the schema ${functionSchema}`, `DROP /* pitcrew */ SCHEMA ${functionSchema}`);
  }
  return outcome;
}
