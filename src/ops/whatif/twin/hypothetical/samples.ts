import pg from 'pg';
import { quoteIdentifier } from '../../../../engine/postgres/index.ts';

/** An expression that takes longer for all samples is not worth it. */
const longestMs = 2000;
/** Between two bounds of a histogram so many values are imagined, where values have distances. */
const between = 50;

/** A key of an index, and values of the one column that it is made of, as statistics know them. */
export interface KeySamples {
  /** The key as SQL, of the samples' column. */
  expression: string;
  /** SQL of a FROM item with that column and `"pitcrew weight"`: the share of the rows that a value stands for. */
  from: string;
  /** How many of the samples, NULL among them, are known with their share; all others come from the histogram, with a share of `each`. */
  known: number;
  each: number;
  /** As in `pg_stats`, of the column. */
  distinct: number;
  nullShare: number;
}

interface Source {
  column: string;
  expression: string;
  type: string;
  kind: 'number' | 'date' | 'time' | 'other';
  common: number;
  bounds: number;
  distinct: number;
  nullShare: number;
  rest: number;
  commonValues: string | null;
  commonShares: string | null;
  histogram: string | null;
}

/**
 * The samples for a key that is made of one column only; where the index has several columns, of each that it may be. Statistics list
 * the most frequent values and the bounds of a histogram, which are as good as a random sample of the others.
 */
export async function keySamples(owner: pg.Client, index: number, position: number): Promise<KeySamples[]> {
  const { rows } = await owner.query<Source>(
    `
    SELECT a.attname                                       AS "column",
           pg_get_indexdef(i.indexrelid, $2, false)        AS "expression",
           format_type(a.atttypid, NULL)                   AS "type",
           CASE WHEN a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype,
                                    'float4'::regtype, 'float8'::regtype) THEN 'number'
                WHEN a.atttypid = 'date'::regtype THEN 'date'
                WHEN a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype) THEN 'time'
                ELSE 'other' END                           AS "kind",
           coalesce(cardinality(s.most_common_freqs), 0)   AS "common",
           coalesce(array_length(s.histogram_bounds::text::text[], 1), 0) AS "bounds",
           s.n_distinct                                    AS "distinct",
           s.null_frac                                     AS "nullShare",
           greatest(0, 1 - s.null_frac - coalesce((SELECT sum(f) FROM unnest(s.most_common_freqs) f), 0))::float8 AS "rest",
           s.most_common_vals::text                        AS "commonValues",
           s.most_common_freqs::text                       AS "commonShares",
           s.histogram_bounds::text                        AS "histogram"
      FROM pg_index i
      JOIN pg_class t     ON t.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
      JOIN pg_attribute a ON a.attrelid = i.indrelid
       AND CASE WHEN i.indkey[$2 - 1] > 0 THEN a.attnum = i.indkey[$2 - 1]
                ELSE a.attnum IN (SELECT d.refobjsubid FROM pg_depend d
                                   WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                     AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid) END
      JOIN LATERAL (SELECT * FROM pg_stats p
                     WHERE p.schemaname = n.nspname AND p.tablename = t.relname AND p.attname = a.attname
                     ORDER BY p.inherited
                     LIMIT 1) s ON true
     WHERE i.indexrelid = $1
       AND a.attnum > 0
     ORDER BY a.attnum
     LIMIT 8
    `,
    [index, position],
  );
  return rows.map((source) => {
    const random = source.kind === 'other' ? source.bounds : Math.max(0, source.bounds - 1) * between;
    const each = random > 0 ? source.rest / random : 0;
    const { expression, distinct, nullShare } = source;
    return { expression, from: fromOf(source, each), known: source.common + 1, each, distinct, nullShare };
  });
}

function fromOf(source: Source, each: number): string {
  const { type, common, bounds, nullShare, column } = source;
  const parts = [
    `SELECT NULL::${type}, ${nullShare}::float8`,
    ...(common > 0
      ? [`SELECT * FROM unnest(${literal(source.commonValues)}::${type}[], ${literal(source.commonShares)}::float8[])`]
      : []),
    ...(bounds > 1 ? [histogramOf(source, each)] : []),
  ];
  return `(${parts.join(' UNION ALL ')}) AS s (${quoteIdentifier(column)}, "pitcrew weight")`;
}

function histogramOf({ type, kind, histogram }: Source, each: number): string {
  const values = `unnest(${literal(histogram)}::${type}[])`;
  if (kind === 'other') return `SELECT b, ${each}::float8 FROM ${values} AS u (b)`;
  // Scattered as by chance, so that as many fall on the same as of a sample would; the same every time.
  const share = `(hashint4(${between} * n::int4 + k)::int8 & 65535) / 65536::float8`;
  const value = {
    number: `(low + (high - low) * (${share})${type === 'numeric' ? '::numeric' : ''})::${type}`,
    date: `low + floor((high - low) * (${share}))::int4`,
    time: `low + (high - low) * (${share})`,
  }[kind];
  return `
    SELECT ${value}, ${each} * count(*)::float8
      FROM (SELECT n, b AS low, lead(b) OVER (ORDER BY n) AS high FROM ${values} WITH ORDINALITY AS u (b, n)) AS h
     CROSS JOIN generate_series(0, ${between - 1}) AS k
     WHERE high IS NOT NULL
     GROUP BY 1`;
}

function literal(text: string | null): string {
  return `E'${(text ?? '{}').replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

/**
 * Asks something of samples, which evaluates the key: it may fail, or take too long. The first that can be answered is taken.
 * @returns `undefined` when none can.
 */
export async function askSamples<Row extends object>(
  owner: pg.Client,
  samples: readonly KeySamples[],
  sql: (samples: KeySamples) => string,
): Promise<{ rows: Row[]; samples: KeySamples } | undefined> {
  for (const each of samples) {
    await owner.query(`SAVEPOINT pitcrew_samples; SET LOCAL statement_timeout = ${longestMs}`);
    try {
      const { rows } = await owner.query<Row>(sql(each));
      return { rows, samples: each };
    } catch (error) {
      if (!(error instanceof pg.DatabaseError)) throw error;
    } finally {
      await owner.query('ROLLBACK TO SAVEPOINT pitcrew_samples');
    }
  }
  return undefined;
}
