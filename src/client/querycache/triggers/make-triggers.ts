import type pg from 'pg';
import { messageOf } from '../../../errors.ts';
import type { Problem } from '../stream/index.ts';
import { mayBeMade, readCoverage, type Triggered } from './coverage.ts';
import { inTransaction, lockTimedOut, onlyOne } from './careful.ts';
import { functionSchema, functionSql } from './trigger-function.ts';
import { triggersSql } from './trigger-kinds.ts';
import { strangeFunction } from './trigger-requirements.ts';

/** What became of an attempt to make triggers. */
export interface Made {
  /** Tables that have got theirs, as they are written in SQL. */
  made: string[];
  /** Tables that were left out, with why. */
  leftOut: Problem[];
  /** It is worth while to try again later: a table could not be locked in time, or somebody else is at it. */
  again: boolean;
}

/**
 * Makes the triggers that tell of changes on all tables that this role owns and that lack them, each table in a transaction of its own,
 * parents first. Waits 2 s at most for the lock of a table, during which its writers may wait behind; what cannot be locked in time is
 * left out. Writers need no rights for the triggers.
 * @throws what the server says when it does not let the role make the function.
 */
export async function makeTriggers(client: pg.ClientBase): Promise<Made> {
  const made = await onlyOne(client, () => make(client));
  return made ?? { made: [], leftOut: [], again: true };
}

async function make(client: pg.ClientBase): Promise<Made> {
  const coverage = await readCoverage(client);
  const outcome: Made = { made: [], leftOut: [], again: false };
  const done = new Map<number, boolean>();
  const functions = new Set(coverage.intact);
  const makeOne = async (table: Triggered): Promise<boolean> => {
    const parents: boolean[] = [];
    for (const parent of table.parents) parents.push(await makeOnce(coverage.tables.get(parent)));
    if (table.complete) return true;
    // Alone it would cost and tell nothing of use.
    if (!mayBeMade(table) || parents.includes(false)) return false;
    if (coverage.strangers.includes(table.triggerFunction.name)) {
      outcome.leftOut.push(strangeFunction(table.triggerFunction.name));
      return false;
    }
    try {
      await inTransaction(client, async () => {
        if (!functions.has(table.triggerFunction.name)) {
          await client.query(`CREATE /* pitcrew */ SCHEMA IF NOT EXISTS ${functionSchema}`);
          await client.query(functionSql(table.triggerFunction));
        }
        await client.query(triggersSql(table.quoted, table.triggerFunction.name));
      });
      functions.add(table.triggerFunction.name);
      outcome.made.push(table.quoted);
      return true;
    } catch (error) {
      outcome.again ||= lockTimedOut(error);
      outcome.leftOut.push({
        message: `the triggers of ${table.schema}.${table.name} could not be made: ${messageOf(error)}`,
        hint: lockTimedOut(error) ? 'It is tried again.' : 'What was read from it is not kept.',
      });
      return false;
    }
  };
  const makeOnce = async (table: Triggered | undefined): Promise<boolean> => {
    if (!table) return false;
    let known = done.get(table.oid);
    if (known === undefined) done.set(table.oid, (known = await makeOne(table)));
    return known;
  };
  for (const table of coverage.tables.values()) await makeOnce(table);
  return outcome;
}
