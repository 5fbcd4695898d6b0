import type pg from 'pg';
import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';
import { publishedSql } from './publication-sql.ts';
import { candidates, type Problem, type Requirements } from './requirements.ts';
import type { PublishedTable } from './types.ts';

/** How long making a publication may wait for others who change definitions, in ms. */
const LOCK_TIMEOUT_MS = 2000;

/**
 * Makes the publication, or adds to it the tables that are not in it. Never adds one whose UPDATE would fail by it.
 * @returns tables that were left out, with why.
 */
export async function makePublication(
  client: pg.ClientBase,
  name: string,
  mode: 'tables' | 'all tables',
  { published, allTables }: Pick<Requirements, 'published' | 'allTables'>,
): Promise<Problem[]> {
  const quoted = quoteIdentifier(name);
  if (allTables) return [];
  await client.query(`BEGIN /* pitcrew */; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    let leftOut: Problem[] = [];
    if (mode === 'all tables') await client.query(`CREATE /* pitcrew */ PUBLICATION ${quoted} FOR ALL TABLES`);
    else {
      const found = await candidates(client, name);
      ({ leftOut } = found);
      // Children of a table by inheritance come by themselves when they can: each is judged for itself.
      const tables = found.add.map((table) => (table.partitioned ? table.name : `ONLY ${table.name}`)).join(', ');
      if (!published) await client.query(`CREATE /* pitcrew */ PUBLICATION ${quoted}`);
      if (tables) await client.query(`ALTER /* pitcrew */ PUBLICATION ${quoted} ADD TABLE ${tables}`);
    }
    await client.query('COMMIT /* pitcrew */');
    return leftOut;
  } catch (error) {
    await client.query('ROLLBACK /* pitcrew */').catch(() => {});
    throw error;
  }
}

interface PublishedRow {
  oid: string;
  schema: string;
  name: string;
  /** A list in JSON. */
  keyColumns: string | null;
  identified: boolean;
  filtered: boolean;
}

/** What a publication tells of. */
export interface Published {
  /** Tables whose changes are all told. */
  tables: Map<number, PublishedTable>;
  /** Tables whose UPDATE fails now because they are published, and those of which only some rows are told. */
  problems: Problem[];
}

export async function readPublished(client: pg.ClientBase, name: string): Promise<Published> {
  const { rows } = await client.query<PublishedRow>(publishedSql, [name]);
  const tables = new Map<number, PublishedTable>();
  const problems: Problem[] = [];
  for (const row of rows) {
    const table = `${row.schema}.${row.name}`;
    if (!row.identified) {
      problems.push({
        message: `UPDATE and DELETE of ${table} fail, because it is published and its rows cannot be told apart`,
        hint: `Add a primary key, ALTER TABLE ${table} REPLICA IDENTITY FULL, or take it out of the publication ${name}.`,
      });
    }
    if (row.filtered) {
      problems.push({
        message: `the publication ${name} tells of some rows of ${table} only`,
        hint: 'What was read from it is not kept; publish it without WHERE.',
      });
      continue;
    }
    const oid = Number(row.oid);
    const keyColumns = row.keyColumns === null ? undefined : (JSON.parse(row.keyColumns) as string[]);
    tables.set(oid, { oid, schema: row.schema, name: row.name, keyColumns });
  }
  return { tables, problems };
}
