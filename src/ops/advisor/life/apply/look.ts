import type { ChangeSession, Parameter } from '../../../../engine/postgres/index.ts';
import type { ObjectName, StatementShape } from './shape.ts';

/** What a database shows of the things that a statement changes: seen before, it tells the outcome afterwards. */
export interface Seen {
  /** `null`: it does not exist. */
  index?: SeenIndex | null;
  /** Oids of indexes of the same table that are not valid. */
  invalid?: readonly number[];
  /** When the table was last analyzed or vacuumed by hand, in ms since 1970; 0: never. */
  maintainedAt?: number;
}

export interface SeenIndex {
  oid: number;
  /** Changes when it is rebuilt. */
  file: number;
  valid: boolean;
  /** Of a partitioned table: it is valid once all partitions have theirs, and cannot be dropped concurrently. */
  partitioned: boolean;
}

const limits = { statementTimeoutMs: 15_000, lockTimeoutMs: 1000 };

/** Runs a statement that only looks. */
export function ask<Row extends object>(
  session: ChangeSession,
  sql: string,
  params: readonly Parameter[] = [],
): Promise<Row[]> {
  return session.run<Row>(sql, params, limits);
}

/** Looks at what a statement is about to change, or has changed. */
export async function look(session: ChangeSession, shape: StatementShape): Promise<Seen> {
  const { verb, index, table } = shape;
  if (verb === 'analyze' || verb === 'vacuum') {
    return table === null ? {} : { maintainedAt: await readMaintained(session, verb, table) };
  }
  if (index === null) return {};
  const seen = await readIndex(session, index);
  return verb === 'reindex' ? { index: seen, invalid: await readInvalid(session, index) } : { index: seen };
}

export async function readIndex(session: ChangeSession, { schema, name }: ObjectName): Promise<SeenIndex | null> {
  const rows = await ask<SeenIndex>(
    session,
    `
    SELECT c.oid::int8            AS "oid",
           c.relfilenode::int8  AS "file",
           i.indisvalid           AS "valid",
           c.relkind = 'I'        AS "partitioned"
      FROM pg_class c
      JOIN pg_index i ON i.indexrelid = c.oid
     WHERE c.relname = $1
       AND c.relnamespace = to_regnamespace(quote_ident($2))
    `,
    [name, schema ?? 'public'],
  );
  return rows[0] ?? null;
}

/** What REINDEX CONCURRENTLY leaves behind when it fails: `name_ccnew`, `name_ccold`, with a number where these are taken. */
export function leftOfReindex(name: string): RegExp {
  // Long names are cut before the suffix is added.
  const escaped = name.slice(0, 50).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped}.*_cc(new|old)\\d*$`);
}

export interface InvalidIndex {
  oid: number;
  schema: string;
  name: string;
}

/** Invalid indexes of the table of an index. */
export function readInvalidIndexes(session: ChangeSession, { schema, name }: ObjectName): Promise<InvalidIndex[]> {
  return ask<InvalidIndex>(
    session,
    `
    SELECT c.oid::int8         AS "oid",
           n.nspname           AS "schema",
           c.relname           AS "name"
      FROM pg_index known
      JOIN pg_class k     ON k.oid = known.indexrelid
      JOIN pg_index i     ON i.indrelid = known.indrelid AND NOT i.indisvalid
      JOIN pg_class c     ON c.oid = i.indexrelid AND c.relkind = 'i'
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.relname = $1
       AND k.relnamespace = to_regnamespace(quote_ident($2))
    `,
    [name, schema ?? 'public'],
  );
}

async function readInvalid(session: ChangeSession, index: ObjectName): Promise<number[]> {
  return (await readInvalidIndexes(session, index)).map(({ oid }) => oid);
}

async function readMaintained(session: ChangeSession, verb: 'analyze' | 'vacuum', table: ObjectName): Promise<number> {
  const [row] = await ask<{ at: number }>(
    session,
    `
    SELECT coalesce(extract(epoch FROM last_${verb}) * 1000, 0)::float8 AS "at"
      FROM pg_stat_all_tables
     WHERE relname = $1 AND schemaname = $2
    `,
    [table.name, table.schema ?? 'public'],
  );
  return row?.at ?? 0;
}

/** What became of a statement whose end nobody saw. `undefined`: the database does not show it. */
export interface Found {
  outcome: 'done' | 'failed';
  resolution: string;
}

/** Tells from what was seen before and is seen now. */
export function outcomeOf(shape: StatementShape, before: Seen, now: Seen): Found | undefined {
  const { verb } = shape;
  const [was, is] = [before.index, now.index];
  const found = (outcome: Found['outcome'], resolution: string): Found => ({ outcome, resolution });
  if (verb === 'create-index') {
    if (!is) return found('failed', 'the index does not exist');
    return is.valid || is.partitioned
      ? found('done', 'the index exists')
      : found('failed', 'the index exists, but was not finished');
  }
  if (verb === 'drop-index') {
    return is ? found('failed', 'the index exists still') : found('done', 'the index does not exist any more');
  }
  if (verb === 'reindex' && was) {
    const isNew = is?.valid === true && (is.oid !== was.oid || is.file !== was.file);
    return isNew ? found('done', 'the index was rebuilt') : found('failed', 'the index is the one from before');
  }
  if ((verb === 'analyze' || verb === 'vacuum') && now.maintainedAt !== undefined) {
    const done = now.maintainedAt > (before.maintainedAt ?? 0);
    return done
      ? found('done', `the table shows a later ${verb.toUpperCase()}`)
      : found('failed', `the table shows no later ${verb.toUpperCase()}`);
  }
  return undefined;
}
