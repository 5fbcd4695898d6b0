import type pg from 'pg';
import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';
import { publishedSql } from './publication-sql.ts';
import { candidates, type Problem, type Requirements } from './requirements.ts';
import type { PublishedTable } from './types.ts';

/** "pcpb"; see `feed/seat.ts` for another one. */
const lockNumber = 0x70637062;
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
  { allTables }: Pick<Requirements, 'allTables'>,
): Promise<Problem[]> {
  const quoted = quoteIdentifier(name);
  if (allTables) return [];
  await client.query(`BEGIN /* pitcrew */; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    let leftOut: Problem[] = [];
    // Processes that start together make it one after the other.
    await client.query('SELECT /* pitcrew */ pg_advisory_xact_lock($1::int, 0)', [lockNumber]);
    const { rowCount } = await client.query('SELECT /* pitcrew */ FROM pg_publication WHERE pubname = $1', [name]);
    const published = rowCount === 1;
    if (mode === 'all tables' && !published)
      await client.query(`CREATE /* pitcrew */ PUBLICATION ${quoted} FOR ALL TABLES`);
    if (mode === 'tables') {
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
