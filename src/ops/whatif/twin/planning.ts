import pg from 'pg';
import { LRUCache } from 'lru-cache';
import { PitcrewError } from '../../../errors.ts';
import { firstWord, isPlannable, literalsAsCasts, marked } from '../../../engine/postgres/index.ts';
import type { WhatIfStatement } from '../types.ts';
import { helpers } from './build/helpers.ts';
import { asQueryError } from './query-error.ts';

/** What is changed on the twin while a statement is planned. */
export interface Scene {
  /** Hypothetical indexes that are there. */
  shown: readonly number[];
  /** Indexes that are not. */
  hidden: readonly number[];
  /** Columns of which it is not known how many different values they have. */
  forgotten?: readonly { table: number; number: number }[];
}

export interface Planner {
  /**
   * EXPLAIN's answer (FORMAT JSON, VERBOSE) under a scene, of which nothing stays.
   * @throws {PitcrewError} `E_QUERY`, `E_UNSUPPORTED`, `E_BAD_REQUEST`.
   */
  explain(statement: WhatIfStatement, scene: Scene): Promise<unknown>;
}

/** What was found out about a text: that it is one statement that can be planned, and how many parameters it has. */
interface Checked {
  text: string;
  parameters: number;
}

const syntaxError = '42601';
const keptTexts = 5000;

/** `searchPath`: for statements that come without one. */
export function openPlanner(owner: pg.Client, searchPath: string): Planner {
  const checked = new LRUCache<string, Checked>({ max: keptTexts });

  /**
   * A text may come from anybody. PREPARE through the extended protocol takes a single statement only, and one that can be
   * planned; what passed is put behind EXPLAIN.
   */
  async function prepare(text: string): Promise<Checked> {
    await extended(owner, `PREPARE pitcrew_plan AS ${text}`);
    try {
      const { rows } = await owner.query<{ parameters: number }>(`
        SELECT cardinality(parameter_types) AS parameters
          FROM pg_catalog.pg_prepared_statements
         WHERE name = 'pitcrew_plan'
      `);
      return { text, parameters: rows[0]?.parameters ?? 0 };
    } finally {
      await owner.query('DEALLOCATE pitcrew_plan').catch(() => {});
    }
  }

  async function check({ text, searchPath: path }: WhatIfStatement): Promise<Checked> {
    const known = `${path ?? ''}\0${text}`;
    const found = checked.get(known);
    if (found) return found;
    const word = firstWord(text);
    if (!isPlannable(word)) {
      throw new PitcrewError('E_UNSUPPORTED', word === '' ? 'there is no statement to plan' : `${word} has no plan`, {
        detail: 'Only SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES are planned.',
      });
    }
    await owner.query('SAVEPOINT pitcrew_plan');
    const result = await prepare(text).catch(async (error: unknown) => {
      const rewritten = literalsAsCasts(text);
      if (!(error instanceof pg.DatabaseError) || error.code !== syntaxError || rewritten === text) throw error;
      await owner.query('ROLLBACK TO SAVEPOINT pitcrew_plan');
      return prepare(rewritten);
    });
    checked.set(known, result);
    return result;
  }

  async function planOnce({ text, parameters }: Checked, values: WhatIfStatement['parameters']): Promise<unknown> {
    if (values === undefined || parameters === 0) {
      const generic = parameters > 0 ? ', GENERIC_PLAN' : '';
      return answer(await owner.query(`${marked('EXPLAIN')} (FORMAT JSON, VERBOSE${generic}) ${text}`));
    }
    const literals = Array.from({ length: parameters }, (_, index) => literal(values[index] ?? null)).join(', ');
    await extended(owner, `PREPARE pitcrew_plan AS ${text}`);
    return answer(
      await owner.query(`EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE pitcrew_plan${parameters > 0 ? `(${literals})` : ''}`),
    );
  }

  return {
    async explain(statement, { shown, hidden, forgotten = [] }) {
      await owner.query('BEGIN');
      try {
        await owner.query(`SELECT set_config('search_path', $1, true)`, [statement.searchPath ?? searchPath]);
        if (shown.length > 0 || hidden.length > 0) {
          await owner.query(`SELECT ${helpers}.toggle($1, $2)`, [shown, hidden]);
        }
        if (forgotten.length > 0) {
          await owner.query(`SELECT ${helpers}.forget($1, $2)`, [
            forgotten.map(({ table }) => table),
            forgotten.map(({ number }) => number),
          ]);
        }
        return await planOnce(await check(statement), statement.parameters);
      } catch (error) {
        throw asQueryError(error);
      } finally {
        await owner.query('ROLLBACK').catch(() => {});
        // A prepared statement outlives its transaction.
        if (statement.parameters !== undefined) await owner.query('DEALLOCATE ALL').catch(() => {});
      }
    },
  };
}

/** The extended protocol refuses several statements in one text. */
async function extended(session: pg.Client, text: string): Promise<void> {
  const query: pg.QueryConfig & { queryMode: string } = { text, queryMode: 'extended' };
  await session.query(query);
}

function answer({ rows }: pg.QueryResult<{ 'QUERY PLAN': unknown }>): unknown {
  const json = rows[0]?.['QUERY PLAN'];
  const plan: unknown = Array.isArray(json) ? json[0] : undefined;
  if (typeof plan !== 'object' || plan === null || !('Plan' in plan)) {
    throw new PitcrewError('E_UNSUPPORTED', 'the statement has no plan', {
      detail: 'A rule or a utility statement takes its place.',
    });
  }
  return plan;
}

function literal(value: string | null): string {
  return value === null ? 'NULL' : `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
