import { PitcrewError } from '../../../errors.ts';
import { marked, quoteIdentifier, textList, type Transaction } from '../../../engine/postgres/index.ts';
import { describe, singleTableOf } from '../../../sql/index.ts';
import type { HypotheticalIndex } from '../types.ts';

/**
 * HypoPG keeps the columns of a predicate and of expressions as those of the first table of a query, and does not translate them
 * when the planner asks for the indexes of another one. Reached through a view, a partial index so crashes the server
 * (HypoPG#116); in a join it is passed over, or held against the columns of another table. So these indexes are given to
 * HypoPG only for statements of one plain table, where the first table is the only one.
 */
function isDelicate({ keys, where }: HypotheticalIndex): boolean {
  return where !== undefined || keys.some(({ expression }) => !isColumn(expression));
}

function isColumn(expression: string): boolean {
  return /^(?:"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*)$/u.test(expression.trim());
}

/** What a statement can read and change, through views, rules, policies and inheritance. */
interface Reached {
  /** Of `relations`, in their order. */
  oids: (number | null)[];
  reached: number[];
  /** Those that are tables with nothing behind them. */
  plain: number[];
  /** It, or what is behind it, calls functions that may read tables of their own. */
  ownFunctions: boolean;
}

/**
 * Of the indexes for a statement, those that HypoPG can be given; left out are delicate ones of tables that the statement does not
 * reach.
 * @throws {PitcrewError} `E_UNSUPPORTED` for delicate ones that might be reached in another way than from one plain table.
 */
export async function safeIndexes(
  transaction: Transaction,
  text: string,
  indexes: readonly HypotheticalIndex[],
): Promise<readonly HypotheticalIndex[]> {
  const delicate = indexes.filter((index) => isDelicate(index));
  if (delicate.length === 0) return indexes;
  const { effects } = describe(text);
  if (!effects) throw refusal(delicate, 'What the statement reads cannot be told from its text.');
  const { reads, changes, functions, operators, fields } = effects;
  const single = singleTableOf(text);
  const named = [...reads, ...changes].map(({ schema, name }) => qualified(schema, name));
  const tables = delicate.map(({ schema, table }) => qualified(schema, table));
  const { oids, reached, plain, ownFunctions } = await reach(transaction, {
    named,
    tables,
    functions: [...functions.map((name) => name.at(-1) ?? ''), ...fields],
    operators: operators.map((name) => name.at(-1) ?? ''),
  });
  if (ownFunctions) throw refusal(delicate, 'The statement calls functions that may read tables of their own.');
  const isAlone = (oid: number): boolean => single !== undefined && reached.length === 1 && plain.includes(oid);
  const notReached = new Set<HypotheticalIndex>();
  for (const [at, index] of delicate.entries()) {
    const oid = oids[at] ?? null;
    if (oid !== null && !reached.includes(oid)) notReached.add(index);
    else if (oid !== null && !isAlone(oid)) {
      throw refusal([index], 'The statement reads more than this one table, or reads it through something else.');
    }
  }
  return indexes.filter((index) => !notReached.has(index));
}

interface Names {
  /** Of tables and views, quoted. */
  named: string[];
  /** Whose oids are wanted, quoted. */
  tables: string[];
  functions: string[];
  operators: string[];
}

async function reach(transaction: Transaction, { named, tables, functions, operators }: Names): Promise<Reached> {
  const [answer] = await transaction.execute<Reached>(marked(reachSql), [
    textList(named),
    textList(tables),
    textList(functions),
    textList(operators),
  ]);
  return answer ?? { oids: [], reached: [], plain: [], ownFunctions: true };
}

/** Names are resolved by the search_path of the transaction. Languages 12 and 13 are internal and C. */
const reachSql = `
WITH RECURSIVE reached (oid) AS (
  SELECT to_regclass(name)::oid FROM unnest($1::text[]) AS name
  UNION
  SELECT next.oid
    FROM reached AS r
   CROSS JOIN LATERAL (
         SELECT d.refobjid
           FROM pg_catalog.pg_rewrite w
           JOIN pg_catalog.pg_class c  ON c.oid = w.ev_class AND c.relkind <> 'm'
           JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
          WHERE w.ev_class = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
         UNION ALL
         SELECT d.refobjid
           FROM pg_catalog.pg_policy p
           JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
          WHERE p.polrelid = r.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass
         UNION ALL
         SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid
         ) AS next (oid)
),
called (oid) AS (
  SELECT p.oid FROM pg_catalog.pg_proc p WHERE p.proname = ANY ($3::text[])
  UNION
  SELECT o.oprcode FROM pg_catalog.pg_operator o WHERE o.oprname = ANY ($4::text[])
  UNION
  SELECT d.refobjid
    FROM reached r
    JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.oid
    JOIN pg_catalog.pg_depend d  ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = w.oid
   WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass
  UNION
  SELECT d.refobjid
    FROM reached r
    JOIN pg_catalog.pg_policy p ON p.polrelid = r.oid
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
   WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass
)
SELECT ARRAY(SELECT to_regclass(t.name)::oid::int8::float8
               FROM unnest($2::text[]) WITH ORDINALITY AS t (name, position)
              ORDER BY t.position)                                   AS "oids",
       ARRAY(SELECT oid::int8::float8
               FROM reached
              WHERE oid IS NOT NULL)                                 AS "reached",
       ARRAY(SELECT c.oid::int8::float8
               FROM reached r
               JOIN pg_catalog.pg_class c ON c.oid = r.oid
              WHERE c.relkind IN ('r', 'm')
                AND (c.relkind = 'm' OR NOT c.relhasrules)
                AND NOT c.relhassubclass
                AND NOT c.relrowsecurity)                            AS "plain",
       EXISTS (SELECT FROM called JOIN pg_catalog.pg_proc p ON p.oid = called.oid
                WHERE p.prolang NOT IN (12, 13)
                  AND p.pronamespace <> 'pg_catalog'::regnamespace)  AS "ownFunctions"
`;

function qualified(schema: string | undefined, name: string): string {
  return (schema === undefined ? '' : `${quoteIdentifier(schema)}.`) + quoteIdentifier(name);
}

function refusal([index]: readonly HypotheticalIndex[], detail: string): PitcrewError {
  const kind = index?.where === undefined ? 'an index on an expression' : 'a partial index';
  return new PitcrewError('E_UNSUPPORTED', `HypoPG cannot imagine ${kind} for this statement`, {
    detail: `${detail} HypoPG mistakes the columns of such an index there, which can crash the server (HypoPG#116).`,
    hint: 'Plan on a twin of the database.',
  });
}
