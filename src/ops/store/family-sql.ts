import type { Column, FamilyDefinition } from './families.ts';
import { finerLevel, levelNames, levelSeconds, type LevelName } from './levels.ts';

/** `pitcrew.statement_quarter_hour` */
export function tableName(definition: FamilyDefinition, level: LevelName): string {
  const suffix = level === 'quarterHour' ? 'quarter_hour' : level;
  return `pitcrew.${definition.family}_${suffix}`;
}

/** Columns that a level keeps: a raw sample leaves out what follows from the others. */
export function storedColumns(definition: FamilyDefinition, level: LevelName): Column[] {
  return definition.columns.filter((column) => level !== 'raw' || column.atRaw === undefined);
}

/**
 * Tables of a family, one per level, without partitions. Rows arrive in the order of time, so a BRIN index finds a range
 * of time at almost no cost; the B-tree finds one key's rows.
 */
export function createTables(definition: FamilyDefinition): string {
  return levelNames.map((level) => createTable(definition, level)).join('\n');
}

function createTable(definition: FamilyDefinition, level: LevelName): string {
  const table = tableName(definition, level);
  const index = table.replace('pitcrew.', '');
  const columns = storedColumns(definition, level).map(
    ({ name, type, sparse }) =>
      `  ${name.padEnd(20)} ${type}${sparse || definition.family === 'metric' ? '' : ' NOT NULL'}`,
  );
  // Two batches of one moment are two raw rows of most families; a bucket of a roll-up is one row.
  const unique = level === 'raw' && definition.rawSeconds === undefined ? '' : 'UNIQUE ';
  return `
CREATE TABLE ${table} (
  target_id            integer NOT NULL,
  ${definition.key.padEnd(20)} integer NOT NULL,
  at                   timestamptz NOT NULL,
${columns.join(',\n')}
) PARTITION BY RANGE (at);
CREATE ${unique}INDEX ${index}_key ON ${table} (${definition.key}, at);
CREATE INDEX ${index}_at ON ${table} USING brin (at) WITH (pages_per_range = 32, autosummarize = on);`;
}

/** Rows of one level in the form that all levels share: target_id, id, at and every column of the family. */
export function rowsOf(definition: FamilyDefinition, level: LevelName, source = tableName(definition, level)): string {
  const columns = definition.columns.map(({ name, atRaw }) =>
    level === 'raw' && atRaw !== undefined ? `${atRaw} AS ${name}` : name,
  );
  return `SELECT target_id, ${definition.key} AS id, at, ${columns.join(', ')} FROM ${source}`;
}

/** The select list that makes one row of many: `sum(calls) AS calls, …`. */
export function rolledUp(columns: readonly Column[]): string {
  return columns
    .map(({ name, rollUp }) => {
      if (rollUp === 'last') return `(array_agg(${name} ORDER BY seen DESC))[1] AS ${name}`;
      return `${rollUp === 'counts' ? 'pitcrew.merge_counts' : rollUp}(${name}) AS ${name}`;
    })
    .join(', ');
}

/** The raw rows of a batch as parameters: $1 targets, $2 keys, $3 times, then one array per stored column. */
function incoming(definition: FamilyDefinition): string {
  const stored = storedColumns(definition, 'raw');
  // An array of arrays would have to be of equal lengths: they come as text.
  const arrays = stored.map(({ type }, index) => `$${index + 4}::${type === 'integer[]' ? 'text' : type}[]`);
  const names = ['target_id', definition.key, 'at', ...stored.map(({ name }) => name)];
  const values = [
    ...names.slice(0, 3),
    ...stored.map(({ name, type }) => (type === 'integer[]' ? `${name}::${type} AS ${name}` : name)),
  ];
  return `(
      SELECT ${values.join(', ')}
      FROM   unnest($1::integer[], $2::integer[], $3::timestamptz[], ${arrays.join(', ')}) AS input (${names.join(', ')})
    ) AS incoming`;
}

/** Adds raw samples; to the rows that are there, where the family has one row for a time. */
export function insertRaw(definition: FamilyDefinition): string {
  const stored = storedColumns(definition, 'raw');
  const names = ['target_id', definition.key, 'at', ...stored.map(({ name }) => name)];
  const added = `
    ON CONFLICT (${definition.key}, at) DO UPDATE SET ${stored.map(merged).join(', ')}`;
  return `
    INSERT INTO ${tableName(definition, 'raw')} AS kept (${names.join(', ')})
    SELECT ${names.join(', ')}
    FROM   ${incoming(definition)}${definition.rawSeconds === undefined ? '' : added}`;
}

/**
 * Adds raw samples that came too late for a roll-up to the roll-up itself: those before its watermark, which is the
 * parameter after the columns.
 */
export function addLate(definition: FamilyDefinition, level: LevelName): string {
  const names = definition.columns.map(({ name }) => name);
  const watermark = `$${storedColumns(definition, 'raw').length + 4}::timestamptz`;
  return `
    INSERT INTO ${tableName(definition, level)} AS kept (target_id, ${definition.key}, at, ${names.join(', ')})
    SELECT   target_id, id, ${bucketOf(level)}, ${rolledUp(definition.columns)}
    FROM     (${rowsOf(definition, 'raw', incoming(definition))}) AS late
    WHERE    at < ${watermark}
    GROUP BY 1, 2, 3
    ON CONFLICT (${definition.key}, at) DO UPDATE SET ${definition.columns.map(merged).join(', ')}`;
}

function merged({ name, rollUp, sparse }: Column): string {
  const both = `kept.${name}, excluded.${name}`;
  if (rollUp === 'counts') return `${name} = pitcrew.fold_counts(kept.${name} || excluded.${name})`;
  if (rollUp === 'min') return `${name} = least(${both})`;
  if (rollUp === 'max') return `${name} = greatest(${both})`;
  if (rollUp === 'last') {
    return `${name} = CASE WHEN excluded.seen >= kept.seen THEN excluded.${name} ELSE kept.${name} END`;
  }
  const sum = `coalesce(kept.${name}, 0) + coalesce(excluded.${name}, 0)`;
  if (sparse) return `${name} = nullif(${sum}, 0)`;
  return `${name} = CASE WHEN coalesce(${both}) IS NULL THEN NULL ELSE ${sum} END`;
}

/**
 * Makes the rows of a level from the finer one for $1 ≤ at < $2, both starts of buckets. Done again, it gives the same
 * rows again.
 */
export function rollUpRows(definition: FamilyDefinition, level: LevelName): string {
  const finer = finerLevel(level) ?? 'raw';
  const names = definition.columns.map(({ name }) => name);
  return `
    INSERT INTO ${tableName(definition, level)} (target_id, ${definition.key}, at, ${names.join(', ')})
    SELECT   target_id, id, ${bucketOf(level)}, ${rolledUp(definition.columns)}
    FROM     (${rowsOf(definition, finer)}) AS finer
    WHERE    at >= $1 AND at < $2
    GROUP BY 1, 2, 3
    ON CONFLICT (${definition.key}, at) DO UPDATE SET ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

function bucketOf(level: LevelName): string {
  return `date_bin('${levelSeconds[level]} seconds', at, 'epoch')`;
}
