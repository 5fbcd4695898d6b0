import type pg from 'pg';
import { quoteIdentifier } from '../../../src/engine/postgres/index.ts';
import type { HypotheticalIndex } from '../../../src/ops/whatif/index.ts';
import type { WorkloadQuery } from '../../../test/support/workloads/index.ts';

/** An index that a statement might use, and the statements that might use it. */
export interface Candidate {
  index: HypotheticalIndex;
  queries: readonly string[];
}

/**
 * The candidates of classic index selection: for every table of a statement, its columns that the statement compares, joins, groups or
 * orders by, one by one and in ordered pairs.
 */
export async function classicCandidates(client: pg.Client, queries: readonly WorkloadQuery[]): Promise<Candidate[]> {
  const { rows: columns } = await client.query<{ table: string; column: string }>(`
    SELECT c.relname AS "table", a.attname AS "column"
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
     ORDER BY c.relname, a.attnum
  `);
  const tables = Map.groupBy(columns, ({ table }) => table);
  const { rows: primary } = await client.query<{ columns: string }>(`
    SELECT c.relname || ' ' || string_agg(a.attname, ',' ORDER BY k.position) AS columns
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indrelid
     CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, position)
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum
     WHERE c.relnamespace = 'public'::regnamespace
     GROUP BY i.indexrelid, c.relname
  `);
  const existing = new Set(primary.map((each) => each.columns));
  const found = new Map<string, { index: HypotheticalIndex; queries: Set<string> }>();
  for (const { id, text } of queries) {
    const clauses = clausesOf(text);
    for (const [table, all] of tables) {
      const aliases = aliasesOf(text, table);
      if (aliases.length === 0) continue;
      const used = all.map(({ column }) => column).filter((column) => mentions(clauses, aliases, column));
      const sets = used.flatMap((one) => [
        [one],
        ...used.filter((other) => other !== one).map((other) => [one, other]),
      ]);
      for (const keys of sets) {
        const name = `${table} ${keys.join(',')}`;
        if (existing.has(name)) continue;
        const known = found.get(name) ?? { index: indexOf(table, keys), queries: new Set<string>() };
        known.queries.add(id);
        found.set(name, known);
      }
    }
  }
  return [...found.values()].map(({ index, queries: ids }) => ({ index, queries: [...ids] }));
}

/** What stands behind WHERE, ON, GROUP BY, HAVING and ORDER BY. */
function clausesOf(text: string): string {
  const parts = [
    ...text.matchAll(/\b(?:WHERE|ON|GROUP BY|HAVING|ORDER BY)\b([\s\S]*?)(?=\b(?:SELECT|FROM|JOIN|LIMIT)\b|$)/gi),
  ];
  return parts.map((part) => part[1]).join('\n');
}

/** Names under which a table stands in a statement; its own where it has no alias. */
function aliasesOf(text: string, table: string): string[] {
  const named = [
    ...text.matchAll(new RegExp(String.raw`\b(?:FROM|JOIN|,|UPDATE|INTO)\s+${table}\b(?:\s+(?:AS\s+)?(\w+))?`, 'gi')),
  ];
  const keyword = /^(?:where|join|on|left|group|order|limit|set|using|inner|cross|and|values)$/i;
  return named.map(([, alias]) => (alias === undefined || keyword.test(alias) ? table : alias));
}

function mentions(clauses: string, aliases: readonly string[], column: string): boolean {
  const plain = new RegExp(String.raw`(?<![.\w])${column}\b(?!\s*\()`).test(clauses);
  return (
    (plain && aliases.length > 0) ||
    aliases.some((alias) => new RegExp(String.raw`\b${alias}\.${column}\b`).test(clauses))
  );
}

function indexOf(table: string, columns: readonly string[]): HypotheticalIndex {
  return {
    id: `greedy_${table}_${columns.join('_')}`.slice(0, 60),
    schema: 'public',
    table,
    method: 'btree',
    keys: columns.map((column) => ({ expression: quoteIdentifier(column) })),
    include: [],
  };
}
