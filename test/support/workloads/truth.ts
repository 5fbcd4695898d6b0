import type pg from 'pg';
import { PitcrewError } from '../../../src/errors.ts';
import { createIndexStatement, type HypotheticalIndex, planShape, type WhatIf } from '../../../src/ops/whatif/index.ts';
import { inSession, type WorkloadQuery, type WorkloadSchema } from './types.ts';

/** A statement under one index: as it was predicted, and as the database plans it with the index built. */
export interface Compared {
  query: string;
  index: string;
  predicted: number;
  real: number;
  /** |predicted − real| / real */
  error: number;
  sameShape: boolean;
  /** The database's own plan uses the index. */
  used: boolean;
  predictedShape: string;
  realShape: string;
}

export interface ComparedSize {
  index: string;
  /** Bytes. */
  predicted: number;
  real: number;
  error: number;
}

export interface Truth {
  plans: Compared[];
  sizes: ComparedSize[];
  /** What the backend could not imagine: index and statement. */
  refused: number;
}

/** A statement with some of its values, or generically. */
interface Asked {
  id: string;
  text: string;
  values: readonly (string | null)[] | undefined;
}

/**
 * Predicts costs, plans and sizes for every index of a workload by itself, and for all together, before any is built; then builds each
 * on the database, asks again, and takes it away. Nothing is analyzed meanwhile. Of the statements only those count that name the
 * index's table: the others would all be right.
 */
export async function holdAgainstTruth(url: string, workload: WorkloadSchema, whatIf: WhatIf): Promise<Truth> {
  const asked = workload.queries.flatMap((query) => variants(query));
  const sets = [...workload.indexes.map((index) => [index]), workload.indexes];
  const truth: Truth = { plans: [], sizes: [], refused: 0 };
  const predicted = new Map<string, { cost: number; shape: string }>();
  const sizes = new Map<string, number>();
  for (const set of sets) {
    for (const each of asked.filter(({ text }) => names(text, set))) {
      const statement = { text: each.text, ...(each.values === undefined ? {} : { parameters: each.values }) };
      const plan = await unlessRefused(whatIf.plan(statement, { add: set }));
      if (plan) predicted.set(keyOf(each, set), { cost: plan.cost, shape: planShape(plan.plan) });
      else truth.refused += 1;
    }
  }
  for (const index of workload.indexes) {
    const size = await unlessRefused(whatIf.size(index));
    if (size !== undefined) sizes.set(index.id, size);
  }
  await inSession(url, async (client) => {
    for (const set of sets) {
      for (const index of set) await client.query(createIndexStatement(index, { name: index.id }));
      for (const each of asked) {
        const prediction = predicted.get(keyOf(each, set));
        if (prediction) truth.plans.push(compare(each, set, prediction, await realPlan(client, each)));
      }
      const [only] = set;
      if (only && set.length === 1) {
        const guess = sizes.get(only.id);
        if (guess !== undefined) truth.sizes.push(await compareSize(client, only, guess));
      }
      for (const index of set) await client.query(`DROP INDEX "${index.id.replaceAll('"', '""')}"`);
    }
  });
  return truth;
}

function variants({ id, text, samples = [] }: WorkloadQuery): Asked[] {
  const withValues = samples.map((values, at) => ({ id: `${id} #${at + 1}`, text, values }));
  return [{ id, text, values: undefined }, ...withValues];
}

function names(text: string, set: readonly HypotheticalIndex[]): boolean {
  return set.some(({ table }) => new RegExp(String.raw`\b${table}\b`).test(text));
}

const keyOf = ({ id }: Asked, set: readonly HypotheticalIndex[]): string => `${id}\n${setName(set)}`;
const setName = (set: readonly HypotheticalIndex[]): string => (set.length === 1 ? (set[0]?.id ?? '') : 'all');

async function unlessRefused<Result>(answer: Promise<Result>): Promise<Result | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof PitcrewError && error.code === 'E_UNSUPPORTED') return undefined;
    throw error;
  }
}

/** The plan of the database itself, as an application's session has it. */
async function realPlan(client: pg.Client, { text, values }: Asked): Promise<unknown> {
  const options = 'FORMAT JSON, VERBOSE';
  await client.query(`PREPARE asked AS ${text}`);
  try {
    const { rows: prepared } = await client.query<{ count: number }>(
      `SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = 'asked'`,
    );
    const count = prepared[0]?.count ?? 0;
    await client.query(`SET plan_cache_mode = ${values ? 'force_custom_plan' : 'force_generic_plan'}`);
    const list = values ?? Array.from({ length: count }, () => null);
    const literals = list.map((value) => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`)).join(', ');
    const explained = count === 0 ? text : `EXECUTE asked(${literals})`;
    const { rows } = await client.query<{ 'QUERY PLAN': unknown[] }>(`EXPLAIN (${options}) ${explained}`);
    return rows[0]?.['QUERY PLAN'][0];
  } finally {
    await client.query('DEALLOCATE asked');
  }
}

function compare(
  { id }: Asked,
  set: readonly HypotheticalIndex[],
  prediction: { cost: number; shape: string },
  plan: unknown,
): Compared {
  const real = costOf(plan);
  const realShape = planShape(plan);
  return {
    query: id,
    index: setName(set),
    predicted: prediction.cost,
    real,
    error: Math.abs(prediction.cost - real) / real,
    sameShape: prediction.shape === realShape,
    used: set.some(({ id: index }) => JSON.stringify(plan).includes(JSON.stringify(index))),
    predictedShape: prediction.shape,
    realShape,
  };
}

async function compareSize(client: pg.Client, { id }: HypotheticalIndex, predicted: number): Promise<ComparedSize> {
  const { rows } = await client.query<{ bytes: number }>(
    'SELECT pg_relation_size(quote_ident($1)::regclass)::float8 AS bytes',
    [id],
  );
  const real = rows[0]?.bytes ?? Number.NaN;
  return { index: id, predicted, real, error: Math.abs(predicted - real) / real };
}

function costOf(plan: unknown): number {
  const { Plan } = plan as { Plan: { 'Total Cost': number } };
  return Plan['Total Cost'];
}
