import { isAnyArrayBuffer, isDate, isMap, isRegExp, isSet, isTypedArray, isUint8Array } from 'node:util/types';
import { PitcrewError } from '../../../../errors.ts';

/**
 * One text for each meaning: the order of an object's properties, of a Map's entries and of a Set's members says nothing, and a
 * property that is `undefined` is one that is not there. What differs in type differs in text.
 * @throws `E_USAGE` for what has no meaning that could be seen from outside: functions, symbols, instances of classes without a
 *   `toJSON`, and what contains itself
 */
export function canonical(value: unknown): string {
  return textOf(value, []);
}

function textOf(value: unknown, within: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      // Well-formed and without ambiguity, whatever is in it, halves of surrogate pairs included.
      return JSON.stringify(value);
    case 'number':
      return value === 0 ? '0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value, within);
    default:
      throw meaningless(`a ${typeof value}`);
  }
}

function objectText(value: object, outer: readonly object[]): string {
  if (isDate(value)) return `Date(${value.getTime()})`;
  if (isRegExp(value)) return `RegExp(${JSON.stringify(value.source)},${value.flags})`;
  if (isAnyArrayBuffer(value)) return bytesText('ArrayBuffer', new Uint8Array(value));
  // A Buffer is a Uint8Array: the same bytes mean the same.
  if (isUint8Array(value)) return bytesText('Uint8Array', value);
  if (isTypedArray(value) || value instanceof DataView) {
    return bytesText(
      Object.prototype.toString.call(value).slice(8, -1),
      new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
    );
  }
  if (outer.includes(value)) throw meaningless('something that contains itself');
  const within = [...outer, value];
  // Array.from: a hole is `undefined`.
  if (Array.isArray(value)) return `[${Array.from(value, (each) => textOf(each, within)).join(',')}]`;
  if (isMap(value)) {
    return `Map{${sorted(Array.from(value, ([k, v]) => `${textOf(k, within)}=>${textOf(v, within)}`))}}`;
  }
  if (isSet(value)) return `Set{${sorted(Array.from(value, (each) => textOf(each, within)))}}`;
  if (isPlain(value)) return plainText(value, within);
  return instanceText(value, within);
}

function plainText(value: object, within: readonly object[]): string {
  if (Object.getOwnPropertySymbols(value).length > 0) throw meaningless('an object with symbols for keys');
  const properties = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .map(([name, each]) => `${JSON.stringify(name)}:${textOf(each, within)}`);
  return `{${sorted(properties)}}`;
}

/** URL, Temporal and many others say by `toJSON` what they are. */
function instanceText(value: object, within: readonly object[]): string {
  const { name } = value.constructor;
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON !== 'function') throw meaningless(`an instance of ${name || 'a class'}`);
  return `${JSON.stringify(name)}(${textOf(toJSON.call(value), within)})`;
}

/** Also of another realm, such as a `vm` context. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const bytesText = (kind: string, bytes: Uint8Array): string =>
  `${kind}(${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')})`;

const sorted = (texts: string[]): string => texts.toSorted(byUnits).join(',');

/** The order must be the same on all machines. */
const byUnits = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function meaningless(what: string): PitcrewError {
  return new PitcrewError('E_USAGE', `${what} cannot be part of a cache key`, {
    detail: 'What it stands for cannot be seen from outside: two that differ could get the same key.',
    hint: 'Give what tells it apart, such as its id, in its place.',
  });
}
