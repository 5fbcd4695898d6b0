import type pg from 'pg';
import { powerTail, widthOf } from '../../../sizes/index.ts';
import type { ElementStatistics, IndexColumn } from './columns.ts';
import { askSamples, keySamples } from './samples.ts';

/** So many different elements, and the rows that each is in. */
export interface Elements {
  values: number;
  rows: number;
  /** Bytes of one as a key, with its header. */
  bytes: number;
}

/** In so many samples an element is met before its share is taken for known. */
const leastMet = 3;
/** A list of so many of the most frequent elements goes on as it ends; a shorter one has all that are not rare. */
const longList = 900;
/** A row with more elements than this is a text. */
const manyWords = 10;
/** Bytes of a word in a text search vector beside its letters: entry, and one position or more. */
const wordBytes = 8.5;
/** How much longer words are that are rare. */
const rareWord = 1.8;
/** Trigrams that texts of a language have. */
const usualTrigrams = 1500;

/** What a GIN index keeps of a column: its different elements, as far as statistics tell. Runs in a transaction. */
export async function elementsOf(
  owner: pg.Client,
  index: number,
  { position, rows }: { position: number; rows: number },
  column: IndexColumn,
): Promise<Elements[]> {
  const filled = rows * (1 - (column.nullShare ?? 0));
  if (column.elements && (column.elements.shares.length >= longList || column.operatorClass === 'tsvector_ops'))
    return listedElements(column, column.elements, filled);
  const met = await metElements(owner, index, position, column.operatorClass ?? '');
  if (met && met.length > 0) return sampledElements(met, rows, column.elements?.shares ?? []);
  if (column.elements) return listedElements(column, column.elements, filled);
  // Trigrams of a text, which are kept as numbers; and whatever else.
  const pointers = rows * Math.max(1, widthOf(column));
  const values = Math.min(usualTrigrams, pointers);
  return [{ values, rows: pointers / values, bytes: 4 }];
}

function listedElements(column: IndexColumn, listed: ElementStatistics, rows: number): Elements[] {
  const { shares, perRow, bytes } = listed;
  // Words that are rare are longer than those that everybody uses.
  const rareBytes = column.operatorClass === 'tsvector_ops' ? bytes * rareWord : bytes;
  const known = shares.reduce((sum, share) => sum + share, 0);
  const each = perRow ?? known + (widthOf(column) - 8 - known * (bytes + wordBytes)) / (rareBytes + wordBytes);
  const left = Math.max(0, each - known) * rows;
  const frequent = shares.map((share) => ({ values: 1, rows: share * rows, bytes: bytes + 1 }));
  if (left < 1) return frequent;
  const values = rareValues(shares, left, rows);
  return [...frequent, { values, rows: left / values, bytes: rareBytes + 1 }];
}

/** How many different elements there are that are not among the frequent ones. */
function rareValues(shares: readonly number[], left: number, rows: number): number {
  const least = (shares.at(-1) ?? 1) * rows;
  // All as frequent as the last of those; or becoming rarer as those do, down to one row each.
  const fewest = Math.max(1, left / least);
  const slope = Math.log2(((shares[Math.floor(shares.length / 2)] ?? 0) * rows) / least);
  if (shares.length >= longList && slope < 0.5) return fewest;
  const tail = powerTail(shares, left / rows) ?? [{ count: left, share: 1 / rows }];
  const most = tail.reduce((sum, { count, share }) => sum + count * Math.min(1, share * rows), 0);
  return Math.sqrt(fewest * Math.max(fewest, most));
}

/** A text with one number in it: what is before, the number, its decimals, and what is after. */
const oneNumber = /^(\D*?)(-?\d+)(?:\.(\d*?)0*)?(\D*)$/;

/** An element of samples. */
interface Met {
  /** Elements of one path are of one kind. */
  path: string;
  /** Its first letters. */
  text: string | null;
  bytes: number;
  /** In how many samples, and in which share of the rows. */
  samples: number;
  share: number;
}

async function metElements(
  owner: pg.Client,
  index: number,
  position: number,
  operatorClass: string,
): Promise<Met[] | undefined> {
  const apart = takenApart[operatorClass];
  if (apart === undefined) return undefined;
  const answer = await askSamples<Met>(
    owner,
    await keySamples(owner, index, position),
    ({ expression, from }) => `
      WITH RECURSIVE doc AS MATERIALIZED (
        SELECT row_number() OVER ()::int4 AS doc, ${expression} AS value, s."pitcrew weight" AS weight FROM ${from}
      ), ${apart}
      SELECT path                                AS "path",
             left(element, 60)                   AS "text",
             max(bytes)::int4                    AS "bytes",
             count(*)::int4                      AS "samples",
             sum(weight)::float8                 AS "share"
        FROM (SELECT DISTINCT doc, path, element, bytes FROM element) AS e
        JOIN doc USING (doc)
       GROUP BY path, element`,
  );
  return answer?.rows;
}

const jsonbNodes = `
  node AS (
    SELECT doc, ''::text AS path, ''::text AS name, false AS item, value FROM doc WHERE value IS NOT NULL
    UNION ALL
    SELECT n.doc, n.path || '.' || p.name, p.name, p.item, p.value
      FROM node n
     CROSS JOIN LATERAL (
           SELECT key, false, value
             FROM jsonb_each(CASE jsonb_typeof(n.value) WHEN 'object' THEN n.value ELSE '{}' END)
           UNION ALL
           SELECT '', true, value
             FROM jsonb_array_elements(CASE jsonb_typeof(n.value) WHEN 'array' THEN n.value ELSE '[]' END)
           ) AS p (name, item, value)
  ), leaf AS (
    SELECT doc, path, item, value #>> '{}' AS text FROM node
     WHERE jsonb_typeof(value) NOT IN ('object', 'array')
  )`;

/** SQL for what each operator class keeps of a value: \`element (doc, path, element, bytes)\`. Long keys of jsonb are hashed. */
const takenApart: Readonly<Record<string, string>> = {
  array_ops: `
    element (doc, path, element, bytes) AS (
      SELECT doc, ''::text AS path, e::text AS element,
             CASE WHEN pg_column_size(e) > 8 OR e::text <> '' AND pg_typeof(e) IN ('text', 'varchar') THEN octet_length(e::text) + 1
                  ELSE pg_column_size(e) END AS bytes
        FROM doc CROSS JOIN unnest(value) AS e WHERE e IS NOT NULL)`,
  tsvector_ops: `
    element (doc, path, element, bytes) AS (
      SELECT doc, ''::text AS path, w.lexeme AS element, octet_length(w.lexeme) + 1 AS bytes
        FROM doc CROSS JOIN unnest(value) AS w)`,
  jsonb_ops: `
    ${jsonbNodes}, element (doc, path, element, bytes) AS (
      SELECT doc, '' AS path, name AS element, least(octet_length(name), 125) + 2 AS bytes
        FROM node WHERE NOT item AND path <> ''
      UNION ALL
      SELECT doc, path || CASE WHEN item THEN '[]' ELSE '=' END, text, least(coalesce(octet_length(text), 0), 125) + 2 FROM leaf)`,
  jsonb_path_ops: `
    ${jsonbNodes}, element (doc, path, element, bytes) AS (
      SELECT doc, path || '=', text, 4 FROM leaf)`,
};

function sampledElements(met: readonly Met[], rows: number, listed: readonly number[]): Elements[] {
  const kindOf = ({ path, text }: Met): string =>
    path === '' ? path : `${path} ${oneNumber.exec(text ?? '')?.[1] ?? ''}`;
  return [...Map.groupBy(met, kindOf).values()].flatMap((group) => {
    const often = group.filter(({ samples }) => samples >= leastMet);
    const few = group.filter(({ samples }) => samples < leastMet);
    // Statistics of all sampled rows know shares better than some of them.
    const shares = listed.length > 0 ? listed : often.map(({ share }) => share);
    const bytesOf = (some: readonly Met[]): number => some.reduce((sum, each) => sum + each.bytes, 0) / some.length;
    const bytes = bytesOf(often.length > 0 ? often : group);
    const known = shares.reduce((sum, share) => sum + share, 0);
    const all = group.reduce((sum, { share }) => sum + share, 0);
    const left = (listed.length > 0 ? all - known : few.reduce((sum, { share }) => sum + share, 0)) * rows;
    const frequent = shares.map((share) => ({ values: 1, rows: share * rows, bytes }));
    if (left < 1 || few.length === 0) return frequent;
    const pointers = few.reduce((sum, { samples }) => sum + samples, 0);
    const grown = all > manyWords ? grownTo(few, often.length, left / pointers) : undefined;
    const values = fewElements(few, left, grown);
    return [...frequent, { values, rows: left / values, bytes: bytesOf(few) }];
  });
}

/**
 * How many different elements there are of which samples show some once or twice. ANALYZE's estimator (Haas and Stokes) takes them for
 * about as frequent, and finds too few where there are ever rarer ones, as words are. How a vocabulary grows finds too many where it
 * ends: the truth is taken to be in the middle.
 */
function fewElements(few: readonly Met[], left: number, grown: number | undefined): number {
  const size = few.reduce((sum, { samples }) => sum + samples, 0);
  const once = few.filter(({ samples }) => samples === 1).length;
  const alike = (size * few.length) / (size - once + (once * size) / Math.max(left, size));
  const most = possible(few);
  if (most < Infinity) return Math.max(few.length, Math.min(left, alike, most));
  // That samples do not meet twice may be chance: with one that they did, there would be far fewer.
  const met = (size * few.length) / (size - once + 1 + (once * size) / Math.max(left, size));
  return Math.max(few.length, Math.min(left, Math.sqrt(alike * (grown ?? met))));
}

/** A vocabulary that goes on to grow as it does in the samples, in so many times as many rows (Heaps's law). */
function grownTo(few: readonly Met[], often: number, times: number): number {
  const seen = few.length + often;
  return seen * times ** (few.filter(({ samples }) => samples === 1).length / seen);
}

/**
 * How many values there can be between the samples' smallest and greatest, where they are numbers of so many digits, or texts that
 * differ in one number only. Of samples that are all different nothing else tells how many there are.
 */
function possible(few: readonly Met[]): number {
  const parts = few.map(({ text }) => oneNumber.exec(text ?? ''));
  const [first] = parts;
  if (!first || few.length < 2) return Infinity;
  if (parts.some((each) => each?.[1] !== first[1] || each?.[4] !== first[4])) return Infinity;
  const digits = Math.max(...parts.map((each) => each?.[3]?.length ?? 0));
  const numbers = parts.map((each) => Number(`${each?.[2]}.${each?.[3] || 0}`));
  return (Math.max(...numbers) - Math.min(...numbers)) * 10 ** digits + 1;
}
