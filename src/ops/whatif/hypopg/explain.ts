import { PitcrewError } from '../../../errors.ts';
import {
  firstWord,
  isPlannable,
  literalsAsCasts,
  marked,
  type ServerProfile,
  type Transaction,
} from '../../../engine/postgres/index.ts';
import type { WhatIfStatement } from '../types.ts';

const SAVEPOINT = 'pitcrew_what_if';

const syntaxError = '42601';

/** @throws {PitcrewError} `E_UNSUPPORTED` for a statement that has no plan. */
export function refuseUnplannable(text: string): void {
  const word = firstWord(text);
  if (isPlannable(word)) return;
  throw new PitcrewError('E_UNSUPPORTED', word === '' ? 'there is no statement to plan' : `${word} has no plan`, {
    detail: 'Only SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES are planned.',
  });
}

/**
 * Plans a statement within a transaction that is rolled back, without running it. The text may come from anybody: the extended protocol
 * refuses several statements in one text, and PREPARE takes nothing but a single statement that can be planned.
 * @returns EXPLAIN's JSON (VERBOSE): the object with `Plan`.
 */
export async function explain(
  transaction: Transaction,
  profile: ServerProfile,
  statement: WhatIfStatement,
): Promise<unknown> {
  await transaction.execute(marked(`SAVEPOINT ${SAVEPOINT}`));
  const text = await prepare(transaction, statement.text);
  const { parameters } = statement;
  try {
    const options = 'FORMAT JSON, VERBOSE';
    const count = await parametersOfPrepared(transaction);
    if (count === 0) return planOf(await transaction.execute(`${marked('EXPLAIN')} (${options}) ${text}`));
    if (parameters === undefined && profile.versionNumber >= 160_000) {
      // By the simple protocol: in the extended one the placeholders would be parameters of EXPLAIN itself.
      return planOf(await transaction.simple(`${marked('EXPLAIN')} (${options}, GENERIC_PLAN) ${text}`));
    }
    if (parameters !== undefined && parameters.length !== count) {
      throw new PitcrewError('E_BAD_REQUEST', 'there are not as many values as placeholders', {
        detail: `The statement has ${count} placeholders; ${parameters.length} values are given.`,
      });
    }
    const mode = parameters === undefined ? 'force_generic_plan' : 'force_custom_plan';
    await transaction.execute(marked(`SET LOCAL plan_cache_mode = ${mode}`));
    const values = parameters ?? Array.from({ length: count }, () => null);
    const list = values.map((value) => literal(value)).join(', ');
    return planOf(await transaction.execute(marked(`EXPLAIN (${options}) EXECUTE ${SAVEPOINT}(${list})`)));
  } finally {
    // A prepared statement outlives its transaction, so it has to go however this went.
    await transaction.execute(marked(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`));
    await transaction.execute(marked(`DEALLOCATE ${SAVEPOINT}`));
  }
}

/** @returns the text that was prepared: texts of pg_stat_statements may need to be put right first. */
async function prepare(transaction: Transaction, text: string): Promise<string> {
  const attempt = (what: string): Promise<object[]> =>
    transaction.execute(`${marked(`PREPARE ${SAVEPOINT} AS`)} ${what}`);
  try {
    await attempt(text);
    return text;
  } catch (error) {
    const rewritten = literalsAsCasts(text);
    if (sqlStateOf(error) !== syntaxError || rewritten === text) throw error;
    await transaction.execute(marked(`ROLLBACK TO SAVEPOINT ${SAVEPOINT}`));
    await attempt(rewritten);
    return rewritten;
  }
}

function sqlStateOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Planned as the application's own session would plan it, not with the settings of ours. */
export async function takeOverSettings(transaction: Transaction, searchPath: string | undefined): Promise<void> {
  await transaction.execute(
    marked(`
      SELECT set_config('search_path', $1, true),
             set_config('jit', NULL, true),
             set_config('max_parallel_workers_per_gather', NULL, true),
             set_config('work_mem', NULL, true),
             set_config('standard_conforming_strings', 'on', true)`),
    [searchPath ?? null],
  );
}

async function parametersOfPrepared(transaction: Transaction): Promise<number> {
  const [prepared] = await transaction.execute<{ parameters: number }>(
    marked(`
      SELECT cardinality(parameter_types) AS "parameters"
        FROM pg_catalog.pg_prepared_statements
       WHERE name = '${SAVEPOINT}'`),
  );
  return prepared?.parameters ?? 0;
}

function planOf(rows: object[]): unknown {
  const [json] = rows.map((row): unknown => Object.values(row)[0]);
  return Array.isArray(json) ? json[0] : json;
}

function literal(value: string | null): string {
  return value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`;
}
