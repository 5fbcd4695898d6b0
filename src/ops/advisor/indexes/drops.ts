import { messageOf, PitcrewError } from '../../../errors.ts';
import type { IndexName } from '../../whatif/index.ts';
import type { Finding } from '../types.ts';
import type { AnalysedStatement } from './candidates/types.ts';
import type { StatementCosts } from './costs/explore.ts';
import type { Pricer } from './costs/price.ts';
import { writeCost } from './costs/write-cost.ts';
import type { WriteRates } from './costs/write-rates.ts';
import type { DatabaseModel, ExistingIndex, TableModel } from './model/types.ts';
import type { AdviceLimits, DropAdvice } from './types.ts';

interface DropContext {
  statements: readonly AnalysedStatement[];
  costs: ReadonlyMap<string, StatementCosts>;
  model: DatabaseModel;
  price: Pricer;
  ratesOf(table: TableModel): WriteRates;
  limits: AdviceLimits;
  signal: AbortSignal | undefined;
}

/**
 * Holds findings that want an index dropped against the workload: every statement whose plan uses it is planned without it. What
 * something else needs is not confirmed, whoever found it.
 */
export async function confirmDrops(findings: readonly Finding[], context: DropContext): Promise<DropAdvice[]> {
  const advice: DropAdvice[] = [];
  for (const finding of findings) {
    const { subject, remedy } = finding;
    if (subject.kind !== 'index' || remedy?.kind !== 'drop-index') continue;
    const index: IndexName = { schema: subject.schema ?? '', name: subject.name };
    const found = find(context.model, index);
    const needed = found && (found.existing.neededFor ?? foreignKeyOf(found.existing, found.table, context.model));
    const { statements, untold } = await worseWithout(index, context);
    advice.push({
      finding,
      index,
      // What we could not find again may have changed since.
      confirmed: found !== undefined && needed === undefined && untold === undefined && statements.length === 0,
      neededFor: needed,
      untold: found ? untold : 'it is no longer there',
      statements,
      savedPerHour: found ? upkeepOf(found.existing, found.table, context.ratesOf(found.table)) : 0,
    });
  }
  return advice;
}

function find(
  model: DatabaseModel,
  { schema, name }: IndexName,
): { table: TableModel; existing: ExistingIndex } | undefined {
  for (const table of model.tables.values()) {
    const existing = table.indexes.find((each) => each.schema === schema && each.name === name);
    if (existing) return { table, existing };
  }
  return undefined;
}

/** The foreign key of the table that no other index serves: without it, changes of the parent read the whole table. */
function foreignKeyOf(index: ExistingIndex, table: TableModel, model: DatabaseModel): string | undefined {
  const serves = ({ valid, method, where, keys }: ExistingIndex, columns: readonly string[]): boolean =>
    valid &&
    method === 'btree' &&
    where === undefined &&
    columns.every((column) => keys.slice(0, columns.length).some((key) => key.column === column));
  const alone = model.foreignKeys
    .filter(({ child }) => child === table.oid)
    .find(
      ({ childColumns }) =>
        serves(index, childColumns) && !table.indexes.some((other) => other !== index && serves(other, childColumns)),
    );
  return alone && `the foreign key ${alone.name}`;
}

async function worseWithout(
  index: IndexName,
  { statements, costs, price, limits, signal }: DropContext,
): Promise<Pick<DropAdvice, 'statements' | 'untold'>> {
  const worse: DropAdvice['statements'][number][] = [];
  for (const { statement } of statements) {
    signal?.throwIfAborted();
    const base = costs.get(statement.id)?.base;
    if (!base?.usesExisting.some(({ schema, name }) => schema === index.schema && name === index.name)) continue;
    try {
      const { cost } = await price(statement, { hide: [index] });
      if (cost <= base.cost * (1 + limits.leastGain)) continue;
      worse.push({ id: statement.id, text: statement.text, costBefore: base.cost, costAfter: cost });
    } catch (error) {
      // Not every HypoPG can hide indexes.
      if (!(error instanceof PitcrewError) || error.code !== 'E_UNSUPPORTED') throw error;
      return { statements: worse, untold: messageOf(error) };
    }
  }
  return { statements: worse, untold: undefined };
}

/** What keeping an index that exists costs its table's writes in an hour; lost HOT updates are not counted. */
function upkeepOf(existing: ExistingIndex, table: TableModel, rates: WriteRates): number {
  const { schema, name, method, keys, bytes } = existing;
  const index = {
    id: name,
    schema,
    table: table.name,
    method: method as 'btree',
    keys: keys.map(({ expression }) => ({ expression })),
    include: [],
  };
  return writeCost({ index, table, columns: [] }, bytes, rates).perHour;
}
