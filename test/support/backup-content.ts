import { createHash } from 'node:crypto';
import type pg from 'pg';
import { type Committed, type Moment, shared } from './backup-writer.ts';

/** What tables and large objects have in them: a checksum by name, and how many transactions of each writer are in it. */
interface Content {
  counts: number[];
  checksums: Record<string, string>;
}

/** To where recovery went: what must be in it, and what must not be. */
export type Reached = { lsn: bigint } | { time: string } | { xid: string } | 'end';

export const isBefore = ({ lsn, time }: Moment, reached: Reached): boolean =>
  reached === 'end' || ('lsn' in reached && lsn <= reached.lsn) || ('time' in reached && time <= reached.time);
export const isAfter = ({ lsn, time }: Moment, reached: Reached): boolean =>
  reached !== 'end' && (('lsn' in reached && lsn > reached.lsn) || ('time' in reached && time > reached.time));

/** What is missing of what was committed by then, and what is there of what came later. */
export function outOfBounds(committed: readonly Committed[], counts: readonly number[], reached: Reached): string[] {
  const target =
    typeof reached === 'object' && 'xid' in reached ? committed.find(({ xid }) => xid === reached.xid) : undefined;
  return committed.flatMap((each) => {
    const { writer, number, xid, before, after } = each;
    const isThere = number <= (counts[writer] ?? 0);
    const name = `transaction ${xid}, ${number} of writer ${writer},`;
    const mustBe = target ? each === target || after.lsn <= target.before.lsn : isBefore(after, reached);
    const mustNotBe = target ? each !== target && before.lsn >= target.after.lsn : isAfter(before, reached);
    if (mustBe && !isThere) return [`${name} is missing`];
    return mustNotBe && isThere ? [`${name} is from later`] : [];
  });
}

/** What is there after so many transactions of each writer. */
export function replay(committed: readonly Committed[], counts: readonly number[]): Record<string, string> {
  const tables = new Map<string, Map<number, string>>();
  const objects = new Map<number, string>();
  for (const table of [...shared, ...counts.map((_count, writer) => `own_${writer}`)]) tables.set(table, new Map());
  const all = committed.filter(({ writer, number }) => number <= (counts[writer] ?? 0));
  // In the order in which each writer did them; writers have nothing in common.
  for (const change of all.flatMap(({ changes }) => changes)) {
    if (change.kind === 'object') put(objects, change.id, change.value);
    else if (change.kind === 'row') put(tables.get(change.table) ?? new Map(), change.id, change.value);
    else if (change.kind === 'dropped') tables.delete(change.table);
    else tables.set(change.table, new Map());
  }
  const sums = [...tables].map(([table, rows]): [string, string] => [table, checksum(rows)]);
  return { ...Object.fromEntries(sums), 'large objects': checksum(objects) };
}

function put(rows: Map<number, string>, id: number, value: string | null): void {
  if (value === null) rows.delete(id);
  else rows.set(id, value);
}

function checksum(rows: ReadonlyMap<number, string>): string {
  const lines = [...rows].toSorted(([a], [b]) => a - b).map(([id, value]) => `${id}:${value}`);
  return createHash('md5').update(lines.join(',')).digest('hex');
}

export async function contentOf(client: pg.Client): Promise<Content> {
  const { rows: progress } = await client.query<{ number: number }>('SELECT number FROM progress ORDER BY writer');
  const { rows: tables } = await client.query<{ name: string }>(`
    SELECT relname AS name
    FROM   pg_class
    WHERE  relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('progress', 'fleeting')`);
  const checksums: Record<string, string> = {};
  for (const { name } of tables) checksums[name] = await sumOf(client, `SELECT id, value FROM ${name}`);
  checksums['large objects'] = await sumOf(
    client,
    `SELECT oid::int AS id, convert_from(lo_get(oid), 'UTF8') AS value FROM pg_largeobject_metadata`,
  );
  return { counts: progress.map(({ number }) => number), checksums };
}

async function sumOf(client: pg.Client, rows: string): Promise<string> {
  const text = `SELECT md5(coalesce(string_agg(id || ':' || value, ',' ORDER BY id), '')) AS sum FROM (${rows}) r`;
  return (await client.query<{ sum: string }>(text)).rows[0]?.sum ?? '';
}

/** What does not work on a server that has recovered: indexes that do not fit their tables, numbers given twice. */
export async function usable(client: pg.Client): Promise<string[]> {
  const problems: string[] = [];
  const { rows } = await client.query<{ given: string; fleeting: string }>(`
    SELECT nextval('numbers')::text AS given, (SELECT count(*)::text FROM fleeting) AS fleeting`);
  const { rows: counted } = await client.query<{ sum: string }>('SELECT sum(number)::text AS sum FROM progress');
  if (Number(rows[0]?.given) <= Number(counted[0]?.sum)) problems.push(`the sequence gives ${rows[0]?.given} again`);
  if (rows[0]?.fleeting !== '0') problems.push('an unlogged table is not empty');
  await client.query('CREATE EXTENSION amcheck');
  await client.query(`
    SELECT bt_index_check(indexrelid, true)
    FROM   pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE  relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND relpersistence = 'p'`);
  await client.query('INSERT INTO fleeting VALUES (1)');
  return problems;
}
