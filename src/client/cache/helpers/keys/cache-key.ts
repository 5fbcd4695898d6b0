import { hash } from 'node:crypto';
import { isDate } from 'node:util/types';
import { canonical } from './canonical.ts';

/** Texts that take more characters are cut, and their hash put behind what is left. */
const longestText = 64;
const keptOfLong = 24;
/** Of SHA-256 in base64url: 132 bits. */
const hashLength = 22;

/** What has a meaning of its own: separators, stars of patterns, the escape, our mark of hashes; and what logs should not show. */
// oxlint-disable-next-line no-control-regex -- those are what is looked for
const special = /[:%*#\u0000-\u001f\u007f]/g;
/** A text that begins like this could be mistaken for something else. */
const needsQuote = /^(?:$|[-0-9~@'])/;

/**
 * A key from a name and arguments, the same in every process: `cacheKey('orders', 42, 'lines')` is `orders:42:lines`. Arguments of
 * different types make different keys (`42` and `'42'`), those that mean the same make the same: the order of properties, of a
 * Map's entries and of a Set's members does not matter, and a property that is `undefined` is one that is not there. No argument can
 * look like two, or be matched by a pattern for something else: colons and stars in texts are escaped. Objects, arrays and long texts
 * are hashed (SHA-256, cut to 132 bits), plain parts stay readable.
 * @throws `E_USAGE` for functions, symbols, instances of classes without a `toJSON`, and what contains itself
 */
export function cacheKey(...parts: readonly unknown[]): string {
  let key = '';
  for (const [i, part] of parts.entries()) key += i === 0 ? keyPart(part) : `:${keyPart(part)}`;
  return key;
}

/**
 * A pattern for all keys that begin with these parts and have more of them, as `invalidatePattern` takes it:
 * `keyPattern('orders', 42)` is `orders:42:*`.
 * @throws as `cacheKey`
 */
export function keyPattern(...parts: readonly unknown[]): string {
  return `${cacheKey(...parts)}:*`;
}

/**
 * The parts of a key that `cacheKey` has made, as texts: those that were texts are what they were, numbers are their digits. Of those
 * that were hashed the hash is left.
 */
export function keyParts(key: string): string[] {
  return key.split(':').map((part) => {
    const text = part.startsWith("'") ? part.slice(1) : part;
    return text.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  });
}

function keyPart(part: unknown): string {
  switch (typeof part) {
    case 'string':
      return textPart(part);
    case 'number':
      if (!Number.isFinite(part)) return `~${part}`;
      return part === 0 ? '0' : String(part);
    case 'bigint':
      return `${part}n`;
    case 'boolean':
    case 'undefined':
      return `~${part}`;
    default:
  }
  if (part === null) return '~null';
  if (isDate(part)) return `@${Number.isNaN(part.getTime()) ? 'invalid' : part.toISOString().replaceAll(':', '')}`;
  return `#${hashOf(canonical(part))}`;
}

function textPart(text: string): string {
  const isWhole = text.length <= longestText && text.isWellFormed();
  const kept = isWhole ? text : text.slice(0, keptOfLong).toWellFormed();
  const escaped = kept.replace(special, (character) => `%${hex(character.charCodeAt(0))}`);
  const quoted = needsQuote.test(escaped) ? `'${escaped}` : escaped;
  return isWhole ? quoted : `${quoted}#${hashOf(canonical(text))}`;
}

const hex = (code: number): string => code.toString(16).toUpperCase().padStart(2, '0');

const hashOf = (text: string): string => hash('sha256', text, 'base64url').slice(0, hashLength);
