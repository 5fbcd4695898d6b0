import type { Operand, TableUse } from '../../../../sql/index.ts';
import type { DatabaseModel, TableModel } from '../model/types.ts';
import { btreeKeys, type Keys, type Popularity } from './btree.ts';
import { candidate, type Wanted } from './definition.ts';
import { isCovered } from './existing.ts';
import { otherMethods } from './other-methods.ts';
import { columnOf, distinctOf, shareOf, widthOf } from './selectivity.ts';
import type { AnalysedStatement, Candidate, CandidateLimits } from './types.ts';

/** Candidates of a workload, and which statements asked for which. */
export interface Candidates {
  byId: ReadonlyMap<string, Candidate>;
  /** Ids of candidates by id of the statement. */
  ofStatement: ReadonlyMap<string, ReadonlySet<string>>;
  /** How many were given up for the limits. */
  givenUp: number;
}

/** What might help the statements of a workload. Tables that are small, and those that cannot have indexes, get none. */
export function candidatesOf(
  statements: readonly AnalysedStatement[],
  model: DatabaseModel,
  limits: CandidateLimits,
): Candidates {
  const popularity = popularityOf(statements);
  const byId = new Map<string, Candidate>();
  const perTable = new Map<TableModel, number>();
  const ofStatement = new Map<string, Set<string>>();
  let givenUp = 0;
  for (const { statement, uses } of statements.toSorted((a, b) => weightOf(b) - weightOf(a))) {
    const own = new Set<string>();
    ofStatement.set(statement.id, own);
    for (const { use, table } of uses) {
      if (!mayHaveIndexes(table, limits)) continue;
      for (const each of ofUse(use, table, model, popularity, limits)) {
        const count = perTable.get(table) ?? 0;
        if (!byId.has(each.index.id)) {
          if (count >= limits.perTable || byId.size >= limits.total) {
            givenUp++;
            continue;
          }
          byId.set(each.index.id, each);
          perTable.set(table, count + 1);
        }
        own.add(each.index.id);
      }
    }
  }
  return { byId, ofStatement, givenUp };
}

function weightOf({ statement }: AnalysedStatement): number {
  return statement.callsPerHour * (statement.meanMs ?? 1);
}

function mayHaveIndexes(table: TableModel, limits: CandidateLimits): boolean {
  const { kind, persistence, pages, partitions } = table;
  const holdsRows = kind === 'table' || kind === 'partitioned' || kind === 'materialized view';
  // A foreign partition has no indexes here, and without it the parent's would never be valid.
  const allHere = partitions.every(({ foreign }) => !foreign);
  return holdsRows && allHere && persistence !== 't' && pages >= limits.smallestPages;
}

/** Statements that compare an operand for equality or join by it. */
function popularityOf(statements: readonly AnalysedStatement[]): Popularity {
  const counts = new Map<string, number>();
  const key = (table: TableModel, sql: string): string => `${table.oid} ${sql}`;
  for (const { uses } of statements) {
    for (const { use, table } of uses) {
      for (const { operand, kind } of use.conditions) {
        if (kind === 'range') continue;
        counts.set(key(table, operand.sql), (counts.get(key(table, operand.sql)) ?? 0) + 1);
      }
    }
  }
  return (table, operand) => 1 + Math.log2(counts.get(key(table, operand.sql)) ?? 1);
}

function ofUse(
  use: TableUse,
  table: TableModel,
  model: DatabaseModel,
  popularity: Popularity,
  limits: CandidateLimits,
): Candidate[] {
  const plain = btreeKeys(use, table, popularity);
  const wanted = [
    ...plain.map((keys) => wantedBtree(keys)),
    ...otherMethods(use, table, model, limits),
    ...plain.filter(({ whole }) => whole).flatMap((keys) => partial(keys, use, table, limits)),
    ...plain.filter(({ whole }) => whole).flatMap((keys) => covering(keys, use, table, limits)),
    ...partialAlone(use, table, limits),
  ];
  const found = new Map<string, Candidate>();
  for (const each of wanted) {
    const made = candidate(table, each);
    if (!isCovered(made, table.indexes)) found.set(made.index.id, made);
  }
  return [...found.values()].slice(0, limits.perUse);
}

function wantedBtree({ keys, operands, reason }: Keys): Wanted {
  return { keys, columns: columnsIn(operands), reason };
}

function columnsIn(operands: readonly Operand[]): string[] {
  return [...new Set(operands.flatMap(({ columns }) => columns))];
}

const narrowRow = 24;

/** The same carrying along what else the statement reads of the table, where that is little. */
function covering(
  { keys, operands, reason }: Keys,
  use: TableUse,
  table: TableModel,
  limits: CandidateLimits,
): Wanted[] {
  // How few rows an expression finds is not known before there are statistics of its index: what is read beside would seem more.
  if (!use.columns || operands.some(({ column }) => column === undefined)) return [];
  const inKeys = new Set(operands.flatMap(({ column }) => column ?? []));
  const include = use.columns.filter((column) => !inKeys.has(column));
  const width = include.reduce((sum, name) => sum + widthOf(table.columns.find((column) => column.name === name)), 0);
  if (include.length === 0 || include.length > 8 || width > limits.widestInclude) return [];
  // A second copy of the table, unless rows are so narrow that it hardly is one.
  if (include.length + inKeys.size >= table.columns.length && width > narrowRow) return [];
  return [{ keys, include, columns: columnsIn(operands), reason: `${reason}, with all that is read of the table` }];
}

/** The same for only those rows that a constant condition of the statement wants, where they are few. */
function partial(keys: Keys, use: TableUse, table: TableModel, limits: CandidateLimits): Wanted[] {
  return partialConditions(use, table, limits).flatMap(({ where, operand }) => {
    const at = keys.operands.findIndex(({ sql }) => sql === operand.sql);
    const rest = keys.keys.filter((_, place) => place !== at);
    if (rest.length === 0) return [];
    return [
      {
        keys: rest,
        where,
        columns: columnsIn([...keys.operands, operand]),
        reason: `${keys.reason}, of rows that meet ${where}`,
      },
    ];
  });
}

/** Where nothing but the constant condition is asked: its own column as the key. */
function partialAlone(use: TableUse, table: TableModel, limits: CandidateLimits): Wanted[] {
  return partialConditions(use, table, limits).flatMap(({ where, operand }) => {
    if (operand.column !== undefined && columnOf(table, operand)?.orderable !== true) return [];
    const key = { expression: operand.column === undefined ? `(${operand.sql})` : operand.sql };
    return [{ keys: [key], where, columns: operand.columns, reason: `rows that meet ${where}` }];
  });
}

/** A column with more values than this has no state that a partial index could be made of. */
const mostPartialValues = 50;

function partialConditions(
  use: TableUse,
  table: TableModel,
  limits: CandidateLimits,
): { where: string; operand: Operand }[] {
  return use.conditions.flatMap((condition) => {
    const { kind, operand, constant } = condition;
    const share = shareOf(table, condition);
    if (constant === undefined || share === undefined || share > limits.widestPartial) return [];
    // One value of many is this call's, not the statement's.
    const ofValue = kind === 'equal' || kind === 'in' || kind === 'unequal';
    if (ofValue && distinctOf(table, operand) > mostPartialValues) return [];
    return [{ where: constant, operand }];
  });
}
