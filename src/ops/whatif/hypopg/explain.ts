import { PitcrewError } from '../../../errors.ts';
import { marked, type ServerProfile, type Transaction } from '../../../engine/postgres/index.ts';
import { describe, type StatementKind } from '../../../sql/index.ts';
import type { WhatIfStatement } from '../types.ts';

const SAVEPOINT = 'pitcrew_what_if';

/** What has a plan. Of what our parser does not know, PostgreSQL says what is wrong. */
const plannable: readonly StatementKind[] = ['select', 'insert', 'update', 'delete', 'merge', 'unknown'];

/** @throws {PitcrewError} `E_UNSUPPORTED` for a statement that has no plan, `E_BAD_REQUEST` for none. */
export function refuseUnplannable(text: string): void {
  const { kind } = describe(text);
  if (plannable.includes(kind)) return;
  if (kind === 'empty') throw new PitcrewError('E_BAD_REQUEST', 'there is no statement to plan');
  throw new PitcrewError('E_UNSUPPORTED', 'the statement has no plan', {
    detail: 'Only one SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES is planned.',
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
  { text, parameters }: WhatIfStatement,
): Promise<unknown> {
  await transaction.execute(`${marked(`PREPARE ${SAVEPOINT} AS`)} ${text}`);
  await transaction.execute(marked(`SAVEPOINT ${SAVEPOINT}`));
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
