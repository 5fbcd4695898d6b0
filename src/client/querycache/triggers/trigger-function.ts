import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';

/** Where the functions are. */
export const functionSchema = 'pitcrew';
/** Where changes are told. */
export const channel = 'pitcrew_changes';
/** Of what the functions say and how. One with a higher number was made by a newer Pitcrew, and is left alone. */
export const functionVersion = 1;

/** How many rows of a statement are told by their keys. */
const MOST_ROWS = 1000;
/** NOTIFY takes less than 8000 bytes: above this, keys are told in parts. */
const MOST_BYTES = 7000;
/** A part ends with the key by which it comes to so many bytes; no key may have more. */
const PART_BYTES = 3000;
/** With more than this, telling the keys would cost more than it gains: it is all rows. */
const MOST_KEY_BYTES = 50_000;

/** A function that triggers call. Its name says what it does, so that two versions of it never share one. */
export interface TriggerFunction {
  readonly name: string;
  readonly body: string;
}

/**
 * What tells the changes of tables whose rows have these columns as their key; without, all rows. Static statements, which the server
 * plans once for each session and trigger, take a quarter of the time of such that are put together when they run: so there is one
 * function for each list of key columns.
 */
export function triggerFunction(keyColumns: readonly string[] | undefined): TriggerFunction {
  const body = keyColumns ? keyedBody(keyOf(keyColumns), signature(keyColumns)) : plainBody;
  return { name: `tell_changes_v${functionVersion}_${digest(body, 12)}`, body };
}

/** Told with keys: which columns they are of. */
export function signature(keyColumns: readonly string[]): string {
  return digest(JSON.stringify(keyColumns), 8);
}

/** Makes a function, or puts right what somebody has changed about it. */
export function functionSql({ name, body }: TriggerFunction): string {
  const quoted = `${functionSchema}.${quoteIdentifier(name)}`;
  return `
CREATE /* pitcrew */ OR REPLACE FUNCTION ${quoted}() RETURNS trigger
  LANGUAGE plpgsql AS ${dollarQuoted(body)};
ALTER /* pitcrew */ FUNCTION ${quoted}() SECURITY INVOKER RESET ALL`;
}

/** The key as a text; of several columns, a list in JSON. */
function keyOf(columns: readonly string[]): string {
  const texts = columns.map((column) => `${quoteIdentifier(column)}::pg_catalog.text`);
  return texts.length === 1 ? texts.join() : `pg_catalog.json_build_array(${texts.join(', ')})::pg_catalog.text`;
}

// Everything in the functions is named in full, so that a writer's `search_path` has no say in what they do: to set it for
// each call would take as long again as all the rest.
const is = 'OPERATOR(pg_catalog.=)';
const over = 'OPERATOR(pg_catalog.>)';

/** @param told in SQL: what the payload ends with. */
function notify(told: string): string {
  const payload = `pg_catalog.concat('[', pg_catalog.pg_current_xact_id(), ',', TG_RELID, ',', ${told}, ']')`;
  return `PERFORM pg_catalog.pg_notify('${channel}', ${payload})`;
}

const truncated = `
  IF TG_OP ${is} 'TRUNCATE' THEN
    ${notify(`'"truncated"'`)};
    RETURN NULL;
  END IF;`;

/** A statement that changes nothing tells nothing. What goes wrong here never fails the statement: then it is all rows. */
function keyedBody(key: string, columns: string): string {
  const keysOf = (rows: string): string => `ARRAY(SELECT ${key} FROM ${rows} LIMIT ${MOST_ROWS + 1})`;
  const bytesOf = (value: string): string => `pg_catalog.octet_length(pg_catalog.to_json(${value})::pg_catalog.text)`;
  return `
DECLARE
  keys pg_catalog.text[];
  before pg_catalog.text[];
  told pg_catalog.text := '"all"';
BEGIN${truncated}
  BEGIN
    IF TG_OP ${is} 'DELETE' THEN
      keys := ${keysOf('pitcrew_old')};
    ELSE
      keys := ${keysOf('pitcrew_new')};
      IF TG_OP ${is} 'UPDATE' THEN
        before := ${keysOf('pitcrew_old')};
        IF before OPERATOR(pg_catalog.<>) keys THEN keys := pg_catalog.array_cat(keys, before); END IF;
      END IF;
    END IF;
    IF pg_catalog.cardinality(keys) ${is} 0 THEN RETURN NULL; END IF;
    IF NOT pg_catalog.cardinality(keys) ${over} ${MOST_ROWS} THEN
      told := pg_catalog.concat(pg_catalog.to_json(keys), ',"${columns}"');
    END IF;
  EXCEPTION WHEN OTHERS THEN
    told := '"all"';
  END;
  IF pg_catalog.octet_length(told) ${over} ${MOST_BYTES} THEN
    IF NOT pg_catalog.octet_length(told) ${over} ${MOST_KEY_BYTES}
       AND NOT (SELECT pg_catalog.max(${bytesOf('k')}) FROM pg_catalog.unnest(keys) AS k) ${over} ${PART_BYTES} THEN
      ${notify(`pg_catalog.json_agg(k), ',"${columns}"'`)}
         FROM (SELECT k, pg_catalog.div(pg_catalog.sum(${bytesOf('k')} OPERATOR(pg_catalog.+) 2) OVER (ORDER BY place), ${PART_BYTES}) AS part
                 FROM pg_catalog.unnest(keys) WITH ORDINALITY AS each (k, place)) AS parted
        GROUP BY part;
      RETURN NULL;
    END IF;
    told := '"all"';
  END IF;
  ${notify('told')};
  RETURN NULL;
END`;
}

const plainBody = `
BEGIN${truncated}
  IF TG_OP ${is} 'DELETE' THEN
    IF NOT EXISTS (SELECT FROM pitcrew_old) THEN RETURN NULL; END IF;
  ELSE
    IF NOT EXISTS (SELECT FROM pitcrew_new) THEN RETURN NULL; END IF;
  END IF;
  ${notify(`'"all"'`)};
  RETURN NULL;
END`;

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}

function dollarQuoted(text: string): string {
  let tag = '$pitcrew$';
  while (text.includes(tag)) tag = `${tag.slice(0, -1)}_$`;
  return `${tag}${text}${tag}`;
}
