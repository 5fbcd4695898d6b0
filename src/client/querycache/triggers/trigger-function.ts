import { createHash } from 'node:crypto';
import { quoteIdentifier } from '../../../engine/postgres/identifiers.ts';

/** Where the functions are. */
export const functionSchema = 'pitcrew';
/** Where changes are told. */
export const channel = 'pitcrew_changes';
/** Of what the functions say and how. One with a higher number was made by a newer Pitcrew, and is left alone. */
export const functionVersion = 1;
/** So that no other writer's `search_path` has a say in what the functions do. */
export const functionSetting = 'search_path=pg_catalog, pg_temp';

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
  return `
CREATE /* pitcrew */ OR REPLACE FUNCTION ${functionSchema}.${quoteIdentifier(name)}() RETURNS trigger
  LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS ${dollarQuoted(body)}`;
}

/** The key as a text; of several columns, a list in JSON. */
function keyOf(columns: readonly string[]): string {
  const texts = columns.map((column) => `${quoteIdentifier(column)}::text`);
  return texts.length === 1 ? texts.join() : `json_build_array(${texts.join(', ')})::text`;
}

const truncated = `
  IF TG_OP = 'TRUNCATE' THEN
    PERFORM pg_notify('${channel}', concat('[', pg_current_xact_id(), ',', TG_RELID, ',"truncated"]'));
    RETURN NULL;
  END IF;`;

/** A statement that changes nothing tells nothing. What goes wrong here never fails the statement: then it is all rows. */
function keyedBody(key: string, columns: string): string {
  const keysOf = (rows: string): string => `ARRAY(SELECT ${key} FROM ${rows} LIMIT ${MOST_ROWS + 1})`;
  return `
DECLARE
  keys text[];
  before text[];
  told text := '"all"';
BEGIN${truncated}
  BEGIN
    IF TG_OP = 'DELETE' THEN
      keys := ${keysOf('pitcrew_old')};
    ELSE
      keys := ${keysOf('pitcrew_new')};
      IF TG_OP = 'UPDATE' THEN
        before := ${keysOf('pitcrew_old')};
        IF before <> keys THEN keys := keys || before; END IF;
      END IF;
    END IF;
    IF cardinality(keys) = 0 THEN RETURN NULL; END IF;
    IF cardinality(keys) <= ${MOST_ROWS} THEN told := concat(to_json(keys), ',"${columns}"'); END IF;
  EXCEPTION WHEN OTHERS THEN
    told := '"all"';
  END;
  IF octet_length(told) > ${MOST_BYTES} THEN
    IF octet_length(told) <= ${MOST_KEY_BYTES}
       AND (SELECT max(octet_length(to_json(k)::text)) FROM unnest(keys) AS k) <= ${PART_BYTES} THEN
      PERFORM pg_notify('${channel}', concat('[', pg_current_xact_id(), ',', TG_RELID, ',', json_agg(k), ',"${columns}"]'))
         FROM (SELECT k, sum(octet_length(to_json(k)::text) + 2) OVER (ORDER BY place) / ${PART_BYTES} AS part
                 FROM unnest(keys) WITH ORDINALITY AS each (k, place)) AS parted
        GROUP BY part;
      RETURN NULL;
    END IF;
    told := '"all"';
  END IF;
  PERFORM pg_notify('${channel}', concat('[', pg_current_xact_id(), ',', TG_RELID, ',', told, ']'));
  RETURN NULL;
END`;
}

const plainBody = `
BEGIN${truncated}
  IF TG_OP = 'DELETE' THEN
    IF NOT EXISTS (SELECT FROM pitcrew_old) THEN RETURN NULL; END IF;
  ELSE
    IF NOT EXISTS (SELECT FROM pitcrew_new) THEN RETURN NULL; END IF;
  END IF;
  PERFORM pg_notify('${channel}', concat('[', pg_current_xact_id(), ',', TG_RELID, ',"all"]'));
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
