import type pg from 'pg';
import { quoteIdentifier } from '../../../engine/postgres/index.ts';
import { indexesOfPlan, type UsedIndex } from './plan-indexes.ts';
import type { Planner } from './planning.ts';

/** The first column of a B-tree. */
interface LeadingColumn {
  table: number;
  number: number;
  name: string;
}

const attempts = 3;

/**
 * PostgreSQL 18 searches a B-tree without a condition on its first column by skipping from value to value, and no setting
 * keeps it from that. It does not count on it where it does not know how many values there are. So, for an older source, a
 * plan that may skip is made again without that knowledge: the index is then read whole, as it would be there.
 */
export function withoutSkipScans(owner: pg.Client, explain: Planner['explain']): Planner['explain'] {
  const known = new Map<string, LeadingColumn | undefined>();

  async function leadingColumn(index: UsedIndex): Promise<LeadingColumn | undefined> {
    const name = `${index.schema}\0${index.name}`;
    if (!known.has(name)) known.set(name, await readLeadingColumn(owner, index));
    return known.get(name);
  }

  return async (statement, scene) => {
    const forgotten: LeadingColumn[] = [];
    for (let attempt = 1; ; attempt += 1) {
      const answer = await explain(statement, { ...scene, forgotten });
      const before = forgotten.length;
      for (const index of indexesOfPlan(answer)) {
        const leading = index.condition === null ? undefined : await leadingColumn(index);
        if (leading && !forgotten.includes(leading) && skips(index.condition ?? '', leading.name))
          forgotten.push(leading);
      }
      if (forgotten.length === before || attempt === attempts) return answer;
    }
  };
}

/** Whether a condition, as EXPLAIN writes it, does not speak of a column. */
function skips(condition: string, column: string): boolean {
  if (condition.includes(quoteIdentifier(column))) return false;
  if (!/^[a-z_][a-z0-9_]*$/.test(column)) return true;
  return !new RegExp(`(^|[^a-z0-9_"])${column}($|[^a-z0-9_"])`).test(condition);
}

async function readLeadingColumn(owner: pg.Client, { schema, name }: UsedIndex): Promise<LeadingColumn | undefined> {
  const { rows } = await owner.query<LeadingColumn>(
    `
    SELECT i.indrelid AS "table",
           a.attnum   AS "number",
           a.attname  AS "name"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_index i     ON i.indexrelid = c.oid
      JOIN pg_am m        ON m.oid = c.relam AND m.amname = 'btree'
      JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attnum > 0
     WHERE n.nspname = $1
       AND c.relname = $2
    `,
    [schema, name],
  );
  return rows[0];
}
