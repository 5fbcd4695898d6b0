import type { HypotheticalIndex } from '../../../whatif/index.ts';

/** PostgreSQL cuts names that are longer. */
const mostBytes = 63;

/**
 * A name as PostgreSQL itself would choose (`orders_customer_id_placed_at_idx`), of 63 bytes at most, that no other relation of
 * the schema has. The name is added to those that are taken.
 */
export function indexName(index: HypotheticalIndex, taken: Set<string>, table: string = index.table): string {
  const words = index.keys.map(({ expression }) => wordOf(expression));
  const kind = index.where === undefined ? 'idx' : 'partial_idx';
  for (let number = 0; ; number++) {
    const end = `_${kind}${number === 0 ? '' : String(number)}`;
    const name = fitting(plainWords([table, ...words].join('_')), mostBytes - Buffer.byteLength(end)) + end;
    const key = JSON.stringify([index.schema, name]);
    if (taken.has(key)) continue;
    taken.add(key);
    return name;
  }
}

/** A column's name as it is; of an expression its words: `lower(email)` becomes `lower_email`. */
function wordOf(expression: string): string {
  const quoted = /^"((?:[^"]|"")*)"$/.exec(expression)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  return plainWords(expression.replaceAll('pg_catalog.', '').replaceAll(/::[\w ]+/g, '')) || 'expr';
}

/** Letters, digits and underscores of a text, whatever stood between them. */
function plainWords(text: string): string {
  return (text.match(/[\p{L}\p{N}_]+/gu) ?? []).join('_');
}

/** The text cut to so many bytes, not within a character. */
function fitting(text: string, bytes: number): string {
  let result = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    result += character;
  }
  return result;
}
