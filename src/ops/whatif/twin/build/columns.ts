import type { DatabaseConnection, ServerProfile } from '../../../../engine/postgres/index.ts';
import { type Gaps, several } from '../gaps.ts';
import type { SourceCatalog } from '../source/catalog.ts';
import { readColumnStatistics, readRangeStatistics } from '../source/statistics.ts';
import { isTable } from './schema.ts';
import type { TwinServer } from './server.ts';
import { restoreColumns } from './statistics.ts';
import { plainName } from './tables.ts';

const batchSize = 200;

export interface CarriedStatistics {
  columns: number;
  /** Average bytes of a value, by `table oid.column`. */
  widths: Map<string, number>;
}

/** Carries the statistics of columns over, some relations at a time so that never many are in memory. */
export async function carryColumns(
  { owner }: TwinServer,
  connection: DatabaseConnection,
  profile: ServerProfile,
  catalog: SourceCatalog,
  gaps: Gaps,
  onProgress: (done: number, total: number) => void,
): Promise<CarriedStatistics> {
  const tables = catalog.relations.filter(isTable);
  const wanted = new Map<string, number>();
  for (const { schema, name, oid } of tables) wanted.set(`${schema}\0${name}`, oid);
  for (const { schema, name, oid, columns } of catalog.indexes) {
    if (columns.includes(0)) wanted.set(`${schema}\0${name}`, oid);
  }
  const names = [...new Set([...wanted.keys()].map((each) => each.slice(each.indexOf('\0') + 1)))];
  const known = profile.columns.get('pg_stats') ?? new Set<string>();
  const ranges = await readRangeStatistics(connection, profile);
  const ofRanges = new Map((ranges ?? []).map((each) => [columnKey(each), each]));
  const widths = new Map<string, number>();
  const refused = new Set<string>();
  let columns = 0;
  onProgress(0, names.length);
  for (let start = 0; start < names.length; start += batchSize) {
    const read = await readColumnStatistics(connection, known, names.slice(start, start + batchSize));
    const rows = read
      .filter(({ schema, relation }) => wanted.has(`${schema}\0${relation}`))
      .map((row) => ({ ...row, ...ofRanges.get(columnKey(row)) }));
    for (const row of rows) widths.set(`${wanted.get(`${row.schema}\0${row.relation}`)}.${row.column}`, row.avg_width);
    for (const { schema, relation, column } of await restoreColumns(owner, rows)) {
      refused.add(`${schema}.${relation}.${column}`);
    }
    columns += rows.length;
    onProgress(Math.min(start + batchSize, names.length), names.length);
  }
  for (const column of refused) gaps.add(`statistics of ${column}`, 'the twin could not take them over whole');
  if (ranges === null && hasRanges(catalog)) {
    gaps.add(
      'statistics of range columns',
      'before PostgreSQL 17 only a superuser can read them: the planner of the twin guesses',
    );
  }
  const unreadable = tables.filter(({ statisticsReadable, rows }) => !statisticsReadable && rows !== 0);
  if (unreadable.length > 0) {
    gaps.add(
      several('statistics of table', unreadable.map(plainName)).replace(
        /^(\d+) statistics of tables/,
        'statistics of $1 tables',
      ),
      'this role may not read these tables, so pg_stats keeps what is in them from it: the planner of the twin guesses',
      `GRANT pg_read_all_data TO "${profile.user.replaceAll('"', '""')}"`,
    );
  }
  return { columns, widths };
}

function columnKey({
  schema,
  relation,
  column,
  inherited,
}: {
  schema: string;
  relation: string;
  column: string;
  inherited: boolean;
}): string {
  return [schema, relation, column, inherited].join('\0');
}

/** Only the built-in types; those of users are few. */
function hasRanges({ columns }: SourceCatalog): boolean {
  return [...columns.values()].some((each) => each.some(({ type }) => type.endsWith('range')));
}
