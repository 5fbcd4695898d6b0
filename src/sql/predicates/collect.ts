import { parse, parserLoaded } from '../describe/parser.ts';
import type { Node } from '../describe/tree.ts';
import type { OpenUse } from './level.ts';
import type { Predicates, PredicatesAnswer, RelationResolver, TableUse } from './predicates.ts';
import { createReader } from './reader.ts';

/** Longer texts are not parsed, as for descriptions. */
const mostText = 50_000;

/**
 * What a statement asks of its tables, at every level of it: conditions, joins, orders, groups and columns, as far as indexes
 * are concerned. Views are read by their definitions. Only for one SELECT, INSERT, UPDATE, DELETE or MERGE; of others, and
 * before `loadParser()` is done, it says why not. Never throws.
 */
export function predicatesOf(text: string, resolver: RelationResolver): PredicatesAnswer {
  if (text.length > mostText) return { reason: `it is longer than ${mostText} characters` };
  const statements = parse(text);
  if (!statements) return { reason: parserLoaded() ? 'it cannot be parsed' : 'the parser is not loaded' };
  const [statement] = statements;
  if (!statement || statements.length > 1) return { reason: 'it is not one statement' };
  if (!/^(?:Select|Insert|Update|Delete|Merge)Stmt$/.test(statement.tag)) return { reason: 'it has no plan' };
  try {
    return { predicates: collect(statement, resolver) };
  } catch (error) {
    if (error instanceof RangeError) return { reason: 'it is nested too deeply' };
    throw error;
  }
}

function collect(statement: Node, resolver: RelationResolver): Predicates {
  const reader = createReader(resolver);
  reader.statement(statement);
  return Object.freeze({
    uses: Object.freeze(reader.uses.map(closed)),
    writes: Object.freeze(reader.writes),
  });
}

function closed(use: OpenUse): TableUse {
  const { number, relation, conditions, alternatives, orders, groups, extremes, limited, columns, wholeRows } = use;
  return Object.freeze({
    number,
    schema: relation.schema,
    table: relation.name,
    conditions: Object.freeze(conditions),
    alternatives: Object.freeze(alternatives),
    orders: Object.freeze(orders),
    groups: Object.freeze(groups),
    extremes: Object.freeze(extremes),
    limited,
    columns: wholeRows ? undefined : Object.freeze([...columns]),
  });
}
