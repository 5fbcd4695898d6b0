import { PitcrewError } from '../../errors.ts';
import type { DatabaseConnection, Transaction } from './connection.ts';
import { firstWord } from './explain-text.ts';
import type { ExplainAnswer } from './explain.ts';
import { marked } from './marker.ts';
import { totalCostOf, withHint, withoutOurSettings } from './explain.ts';
import type { ServerProfile } from './server-profile.ts';

export interface AnalyzeRequest {
  /** One SELECT, VALUES or TABLE with its values in it. Whether it only reads is for the caller to know. */
  text: string;
  searchPath?: string;
  /** The server stops it after so long. */
  timeoutMs: number;
}

/**
 * Runs a query to see what its plan takes (ANALYZE, BUFFERS, SETTINGS), in a read-only transaction that is rolled back; its result is
 * thrown away. Locks are waited for as briefly as when it is only planned.
 * @throws {PitcrewError} `E_QUERY` (PostgreSQL's error, with SQLSTATE), `E_UNSUPPORTED` (no query, or one with parameters)
 */
export async function analyzeStatement(
  connection: DatabaseConnection,
  profile: ServerProfile,
  { text, searchPath, timeoutMs }: AnalyzeRequest,
): Promise<ExplainAnswer> {
  const word = firstWord(text);
  if (!/^(?:SELECT|WITH|VALUES|TABLE|\()$/.test(word)) {
    throw new PitcrewError('E_UNSUPPORTED', `${word || 'nothing'} is not run, only planned`, {
      hint: 'Leave --analyze out: only queries are run.',
    });
  }
  const limits = { statementTimeoutMs: timeoutMs, lockTimeoutMs: 100 };
  try {
    return await connection.rolledBack(limits, (transaction) => analyze(transaction, text, searchPath));
  } catch (error) {
    throw error instanceof PitcrewError ? withHint(error, profile.user) : error;
  }
}

async function analyze(transaction: Transaction, text: string, searchPath: string | undefined): Promise<ExplainAnswer> {
  await withoutOurSettings(transaction, searchPath);
  // As for planning: PREPARE takes nothing but one statement that can be planned.
  await transaction.execute(`${marked('PREPARE pitcrew_explain AS')} ${text}`);
  await transaction.execute(marked('SAVEPOINT pitcrew_explain'));
  try {
    const [prepared] = await transaction.execute<{ parameters: number }>(
      marked(`
        SELECT cardinality(parameter_types) AS "parameters"
          FROM pg_catalog.pg_prepared_statements
         WHERE name = 'pitcrew_explain'`),
    );
    if ((prepared?.parameters ?? 0) > 0) {
      throw new PitcrewError('E_UNSUPPORTED', 'a statement with parameters cannot be run without their values', {
        hint: 'Put values in the place of $1, $2, …, or leave --analyze out.',
      });
    }
    const options = 'ANALYZE, VERBOSE, BUFFERS, SETTINGS, FORMAT JSON';
    const rows = await transaction.execute<object>(`${marked('EXPLAIN')} (${options}) ${text}`);
    const [json] = rows.map((row): unknown => Object.values(row)[0]);
    const plan: unknown = Array.isArray(json) ? json[0] : json;
    return { plan, text: '', generic: false, totalCost: totalCostOf(plan) };
  } finally {
    // A prepared statement outlives its transaction, so it has to go however this went.
    await transaction.execute(marked('ROLLBACK TO SAVEPOINT pitcrew_explain')).catch(() => undefined);
    await transaction.execute(marked('DEALLOCATE pitcrew_explain')).catch(() => undefined);
  }
}
