import { PitcrewError } from '../../../errors.ts';
import type { Session } from '../database.ts';
import { quoted } from '../names.ts';
import { type Column, columnsNamed, keyOf, type Relation } from '../relation.ts';
import { arraysOf, listed, type Text, unnested } from '../values.ts';
import { copyIn } from './copy-in.ts';
import type { BulkUpsertOptions } from './options.ts';

/** What is done with rows, on one table. */
export interface Plan {
  /** What it is called in errors. */
  name: string;
  columns: Column[];
  /** One statement for any number of rows; gives how many were written. */
  statement: string;
  /** COPY, where it does the same. */
  copy: string | undefined;
  /** Rows that are there already stay as they are. */
  inserts: boolean;
}

/**
 * Fewer rows than this are sent as arrays: one statement on a connection that others may share, while COPY needs its own and two round
 * trips. Measured (PostgreSQL 18, five columns, 2 cores): equal at 10 rows, COPY faster by a third at 100, by four fifths from 10,000.
 */
const copyFrom = 200;

export const willCopy = (plan: Plan, rows: number): boolean => plan.copy !== undefined && rows >= copyFrom;

/** Writes rows with one statement. */
export async function write(plan: Plan, session: Session, rows: readonly (readonly Text[])[]): Promise<number> {
  if (plan.copy !== undefined && session.canSubmit) return copyIn(session, plan.copy, rows);
  return writeArrays(plan, session, rows);
}

export async function writeArrays(
  plan: Plan,
  database: Pick<Session, 'query'>,
  rows: readonly (readonly Text[])[],
): Promise<number> {
  const { rowCount } = await database.query(plan.statement, arraysOf(plan.columns, rows));
  return rowCount ?? 0;
}

/** Columns that values are sent for: generated ones are the server's. */
function writable(relation: Relation, names: readonly string[]): Column[] {
  const columns = columnsNamed(relation, names).filter(({ generated }) => !generated);
  if (columns.length > 0) return columns;
  throw new PitcrewError('E_USAGE', 'there is no column to write', {
    detail: `${relation.name} computes all that are given.`,
  });
}

// What is given for an identity column is taken, as COPY does it.
const overriding = (columns: readonly Column[]): string =>
  columns.some(({ alwaysIdentity }) => alwaysIdentity) ? '\nOVERRIDING SYSTEM VALUE' : '';

export function insertPlan(relation: Relation, names: readonly string[], onConflict: 'error' | 'nothing'): Plan {
  const columns = writable(relation, names);
  const { from, select } = unnested(columns);
  const into = `INTO ${relation.sql} (${listed(columns)})`;
  return {
    name: 'bulk insert',
    columns,
    statement: `INSERT ${into}${overriding(columns)}\nSELECT ${select.join(', ')}\n  FROM ${from}${
      onConflict === 'nothing' ? '\n    ON CONFLICT DO NOTHING' : ''
    }`,
    copy:
      onConflict === 'error' && relation.copyable ? `COPY ${relation.sql} (${listed(columns)}) FROM STDIN` : undefined,
    inserts: true,
  };
}

export function updatePlan(relation: Relation, names: readonly string[], named: BulkUpsertOptions['key']): Plan {
  const columns = writable(relation, names);
  const key = given(columns, keyOf(relation, named));
  const set = columns.filter((column) => !key.includes(column) && !column.alwaysIdentity);
  if (set.length === 0)
    throw new PitcrewError('E_USAGE', 'there is no column to update', { detail: 'Only the key is given.' });
  const { from, select } = unnested(columns);
  const latest = columns.map((column, i) => `${select[i]} AS ${quoted(column.name)}`);
  const by = key.map((column) => select[columns.indexOf(column)]).join(', ');
  return {
    name: 'bulk update',
    columns,
    statement: `UPDATE ${relation.sql} AS target
   SET ${set.map(({ name }) => `${quoted(name)} = latest.${quoted(name)}`).join(', ')}
  FROM (SELECT DISTINCT ON (${by}) ${latest.join(', ')}
          FROM ${from}
         ORDER BY ${by}, given.n DESC) AS latest
 WHERE ${key.map(({ name }) => `target.${quoted(name)} = latest.${quoted(name)}`).join(' AND ')}`,
    copy: undefined,
    inserts: false,
  };
}

export function upsertPlan(
  relation: Relation,
  names: readonly string[],
  { key: named, onConflict = 'update' }: Pick<BulkUpsertOptions, 'key' | 'onConflict'>,
): Plan {
  const columns = writable(relation, names);
  const key = given(columns, keyOf(relation, named));
  const unique = relation.keys.find(
    (each) =>
      each.immediate && each.columns.length === key.length && key.every(({ name }) => each.columns.includes(name)),
  );
  if (!unique) {
    throw new PitcrewError(
      'E_USAGE',
      `${relation.name} has no unique index on ${key.map(({ name }) => name).join(', ')}`,
      {
        hint: 'Give the columns of one in `key`; partial ones, deferrable ones and those on expressions do not serve.',
      },
    );
  }
  const wanted = typeof onConflict === 'object' ? columnsNamed(relation, onConflict.update) : columns;
  // Their defaults would take the place of what is there.
  const lacking = wanted.filter((each) => !columns.includes(each) && !each.generated);
  if (lacking.length > 0) {
    throw new PitcrewError(
      'E_USAGE',
      `rows lack ${lacking.map(({ name }) => name).join(', ')}, which is to be updated`,
      {
        hint: 'Give the rows a value for it, or leave it out of `onConflict.update`.',
      },
    );
  }
  const set =
    onConflict === 'nothing'
      ? []
      : wanted.filter((each) => !key.includes(each) && !each.alwaysIdentity && !each.generated);
  const { from, select } = unnested(columns);
  const by = key.map((column) => select[columns.indexOf(column)]);
  // Rows with null in the key are never there already, and none is another's duplicate.
  const nullable = unique.nullsDistinct ? key.filter((column) => column.nullable) : [];
  if (nullable.length > 0) {
    const isNull = nullable.map((column) => `${select[columns.indexOf(column)]} IS NULL`).join(' OR ');
    by.push(`CASE WHEN ${isNull} THEN given.n END`);
  }
  const sets = set.map(({ name }) => `${quoted(name)} = excluded.${quoted(name)}`).join(', ');
  return {
    name: 'bulk upsert',
    columns,
    // In the order of the key, so that two upserts of the same rows wait for each other instead of deadlocking.
    statement: `INSERT INTO ${relation.sql} (${listed(columns)})${overriding(columns)}
SELECT ${sets && `DISTINCT ON (${by.join(', ')}) `}${select.join(', ')}
  FROM ${from}
 ORDER BY ${by.join(', ')}, given.n ${sets && 'DESC'}
    ON CONFLICT (${listed(key)}) DO ${sets ? `UPDATE SET ${sets}` : 'NOTHING'}`,
    copy: undefined,
    inserts: sets === '',
  };
}

/** @throws `E_USAGE` when a column of the key is not among those that are given */
function given(columns: readonly Column[], key: Column[]): Column[] {
  const missing = key.filter((column) => !columns.includes(column));
  if (missing.length === 0) return key;
  throw new PitcrewError('E_USAGE', `rows lack ${missing.map(({ name }) => name).join(', ')} of the key`, {
    hint: 'Name other columns in `key`, or give the rows theirs.',
  });
}
