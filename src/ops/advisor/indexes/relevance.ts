import type { Condition, TableUse } from '../../../sql/index.ts';
import { plainExpression } from './candidates/definition.ts';
import type { AnalysedStatement, Candidate } from './candidates/types.ts';

/** The candidates that a statement is planned with. */
export type Relevant = (statement: AnalysedStatement) => readonly Candidate[];

/**
 * A statement's own candidates, then those of others that begin with something that it asks for as well, so that one index may
 * serve both.
 * @param most how many a statement is planned with.
 */
export function relevantOf(
  all: readonly Candidate[],
  ofStatement: ReadonlyMap<string, ReadonlySet<string>>,
  most: number,
): Relevant {
  const byId = new Map(all.map((candidate) => [candidate.index.id, candidate]));
  const byFirstKey = Map.groupBy(all, (candidate) => firstKey(candidate));
  return ({ statement, uses }) => {
    const found = new Map<string, Candidate>();
    for (const id of ofStatement.get(statement.id) ?? []) {
      const candidate = byId.get(id);
      if (candidate) found.set(id, candidate);
    }
    for (const { use, table } of uses) {
      const constants = new Set(conditionsOf(use).flatMap(({ constant }) => constant ?? []));
      for (const expression of askedFor(use)) {
        for (const candidate of byFirstKey.get(`${table.oid} ${expression}`) ?? []) {
          const { where, id } = candidate.index;
          if (where === undefined || constants.has(where)) found.set(id, candidate);
        }
      }
    }
    return [...found.values()].slice(0, most);
  };
}

function firstKey({ index, table }: Candidate): string {
  return `${table.oid} ${plainExpression(index.keys[0]?.expression ?? '')}`;
}

function conditionsOf(use: TableUse): Condition[] {
  return [use.conditions, ...use.alternatives].flat();
}

/** What an index may begin with to be of use. */
function askedFor(use: TableUse): Set<string> {
  const operands = [
    ...conditionsOf(use).map(({ operand }) => operand),
    ...[...use.orders.flat(), ...use.extremes].map(({ operand }) => operand),
    ...use.groups.flat(),
  ];
  return new Set(operands.map(({ sql }) => plainExpression(sql)));
}
