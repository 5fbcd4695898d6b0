import { marked } from '../../engine/postgres/index.ts';
import type { ClientBase } from 'pg';
import { families, familyNames } from './families.ts';
import { tableName } from './family-sql.ts';
import { floorTo, type LevelName, levelNames, partitionMs } from './levels.ts';
import { lockClass } from './schema/migrate.ts';
import { inTransaction } from './transaction.ts';
import type { Family } from './types.ts';

/** A part of one level's time that is kept and dropped as a whole. */
export interface Partition {
  family: Family;
  level: LevelName;
  /** Bounds in ms since 1970; `to` is not part of it. */
  from: number;
  to: number;
}

/** Second key of the advisory lock under which partitions are made. */
const partitionLock = -1;
/** How many partitions beyond the current one are made ahead. */
const ahead = 2;

/** `statement_raw_20260301_04`: named for its start in UTC, from which its bounds follow. */
function partitionName({ family, level, from }: Partition): string {
  const stamp = new Date(from).toISOString().replace(/[-:]/g, '').slice(0, 11).replace('T', '_');
  return `${tableName(families[family], level).replace('pitcrew.', '')}_${stamp}`;
}

export function partitionAt(family: Family, level: LevelName, time: number): Partition {
  const from = floorTo(time, partitionMs[level]);
  return { family, level, from, to: from + partitionMs[level] };
}

/** Partitions that exist, oldest first. */
export async function listPartitions(client: ClientBase): Promise<Partition[]> {
  const { rows } = await client.query<{ parent: string; name: string }>(`
    SELECT   parent.relname AS parent,
             child.relname  AS name
    FROM     pg_catalog.pg_inherits
    JOIN     pg_catalog.pg_class AS parent ON parent.oid = inhparent
    JOIN     pg_catalog.pg_class AS child  ON child.oid  = inhrelid
    WHERE    parent.relnamespace = to_regnamespace('pitcrew')
    AND      parent.relkind = 'p'
    ORDER BY child.relname`);
  const parents = new Map(
    familyNames.flatMap((family) =>
      levelNames.map(
        (level) => [tableName(families[family], level).replace('pitcrew.', ''), { family, level }] as const,
      ),
    ),
  );
  return rows.flatMap(({ parent, name }) => {
    const of = parents.get(parent);
    const stamp = /_(\d{4})(\d\d)(\d\d)_(\d\d)$/.exec(name);
    if (!of || !stamp) return [];
    const [, year, month, day, hour] = stamp;
    return [partitionAt(of.family, of.level, Date.parse(`${year}-${month}-${day}T${hour}:00:00Z`))];
  });
}

/** Partitions for `now` and the two after it, of every family and level. */
export function partitionsFor(now: number): Partition[] {
  return familyNames.flatMap((family) =>
    levelNames.flatMap((level) =>
      Array.from({ length: ahead + 1 }, (_, index) => partitionAt(family, level, now + index * partitionMs[level])),
    ),
  );
}

/**
 * Knows which partitions exist and makes those that lack. A new one is attached rather than created in place, which
 * neither waits for nor holds up those who read and write its siblings.
 */
export class Partitions {
  #known = new Set<string>();

  /** Forgets everything: another daemon may have dropped some. */
  forget(): void {
    this.#known.clear();
  }

  /** Must not be called within a transaction. */
  async ensure(client: ClientBase, wanted: readonly Partition[]): Promise<void> {
    const lacking = (): Partition[] => wanted.filter((partition) => !this.#known.has(partitionName(partition)));
    if (lacking().length === 0) return;
    this.#known = new Set((await listPartitions(client)).map(partitionName));
    if (lacking().length === 0) return;
    await inTransaction(client, async () => {
      await client.query("SET LOCAL lock_timeout = '2s'");
      await client.query('SELECT pg_advisory_xact_lock($1, $2)', [lockClass, partitionLock]);
      this.#known = new Set((await listPartitions(client)).map(partitionName));
      const statements = new Map(lacking().map((partition) => [partitionName(partition), createPartition(partition)]));
      if (statements.size > 0) await client.query([...statements.values()].join('\n'));
    });
    for (const partition of wanted) this.#known.add(partitionName(partition));
  }
}

function createPartition(partition: Partition): string {
  const parent = tableName(families[partition.family], partition.level);
  const name = `pitcrew.${partitionName(partition)}`;
  const [from, to] = [partition.from, partition.to].map((time) => new Date(time).toISOString());
  // Where rows are added to, there is room for their next version beside them.
  const isAddedTo = partition.level === 'raw' && families[partition.family].rawSeconds !== undefined;
  return [
    `CREATE TABLE ${name} (LIKE ${parent} INCLUDING DEFAULTS)${isAddedTo ? ' WITH (fillfactor = 50)' : ''};`,
    `ALTER TABLE ${parent} ATTACH PARTITION ${name} FOR VALUES FROM ('${from}') TO ('${to}');`,
  ]
    .map((sql) => marked(sql))
    .join('\n');
}

/** Drops one partition; the caller's transaction decides whether it may go. */
export async function dropPartition(client: ClientBase, partition: Partition): Promise<void> {
  await client.query(`DROP TABLE IF EXISTS pitcrew.${partitionName(partition)}`);
}
