import { DatabaseError } from 'pg';
import { type Findings, isGone, isOutOfTime, reasonNotHere } from './judge.ts';
import type { ScratchSession } from './session.ts';

/** A statement of the user's that has to hold in the restored database. */
export interface OwnCheck {
  /** By default the only one besides `postgres`. */
  database?: string | undefined;
  /** One SELECT. It passes when it returns no row, or one row whose first column is true. */
  sql: string;
}

/** With less time than that none is run, in ms. */
const leastMs = 1000;

/** Runs one, which can change nothing. @returns whether it passed. What it returned is not told: it is of the database. */
export async function runOwnCheck(
  session: ScratchSession,
  { sql }: OwnCheck,
  title: string,
  leftMs: number,
  findings: Findings,
): Promise<boolean> {
  if (leftMs < leastMs) {
    findings.note(`there was no time left for ${title}`);
    return false;
  }
  try {
    await session.query('BEGIN READ ONLY');
    await session.query(`SELECT set_config('statement_timeout', $1, true)`, [String(Math.ceil(leftMs))]);
    await session.query(`SELECT set_config('search_path', '"$user", public', true)`);
    await session.query(`DECLARE own_check NO SCROLL CURSOR FOR ${sql}`);
    const rows = await session.query('FETCH FORWARD 2 FROM own_check');
    const [first] = rows;
    const passed = !first || (rows.length === 1 && Object.values(first)[0] === true);
    if (!passed) findings.problem(`${title} did not hold`);
    return passed;
  } catch (error) {
    if (isGone(error)) throw error;
    if (isOutOfTime(error)) {
      findings.problem(`${title} had no answer within ${Math.round(leftMs / 1000)} s`);
      return false;
    }
    const reason = reasonNotHere(error);
    if (reason !== undefined) findings.note(`${title} could not be run: ${reason}`);
    else findings.problem(`${title} failed: ${failureOf(error)}`);
    return false;
  } finally {
    await session.query('ROLLBACK').catch(() => {});
  }
}

/** Only of what is wrong with the statement itself the text is told: others may have values of rows in them. */
function failureOf(error: unknown): string {
  if (error instanceof DatabaseError) return error.code?.startsWith('42') ? error.message : `SQLSTATE ${error.code}`;
  return 'it was not answered';
}
