import { types } from 'node:util';
import { escapeKey } from './escapes.ts';

/** Typed arrays that msgpackr writes as they are; by their prototypes, lest subclasses are taken for them. */
const binaryPrototypes = new Set<unknown>(
  [
    Buffer,
    ArrayBuffer,
    DataView,
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
  ].map((each) => each.prototype),
);

/**
 * Whether msgpackr gives a value back as it is. It does not: -0, text with lone surrogates, keys named `__proto__`, errors with
 * more than a name and a message, instances of classes, functions.
 */
export function isPlain(value: unknown, seen = new Set<object>()): boolean {
  switch (typeof value) {
    case 'string':
      return isPlainText(value);
    case 'number':
      return !Object.is(value, -0);
    case 'object':
      break;
    default:
      return typeof value !== 'function' && typeof value !== 'symbol';
  }
  if (value === null || seen.has(value)) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (isLeaf(value, prototype)) return true;
  seen.add(value);
  if (prototype === Array.prototype) {
    for (const each of value as unknown[]) if (!isPlain(each, seen)) return false;
    return true;
  }
  if (prototype === Object.prototype) return isPlainObject(value, seen);
  if (prototype === Map.prototype) {
    for (const [key, each] of value as Map<unknown, unknown>) {
      if (!isPlain(key, seen) || !isPlain(each, seen)) return false;
    }
    return true;
  }
  if (prototype === Set.prototype) {
    for (const each of value as Set<unknown>) if (!isPlain(each, seen)) return false;
    return true;
  }
  return false;
}

/** Whether nothing is inside an object that would have to be looked at. */
export function isLeaf(value: object, prototype: unknown): boolean {
  if (prototype === Date.prototype) return types.isDate(value);
  if (prototype === RegExp.prototype) return types.isRegExp(value);
  return binaryPrototypes.has(prototype) && (ArrayBuffer.isView(value) || types.isArrayBuffer(value));
}

/** Decoders of UTF-8 replace lone surrogates, and some leave out a byte order mark in front. */
export function isPlainText(text: string): boolean {
  return text.isWellFormed() && text.charCodeAt(0) !== 0xfeff;
}

function isPlainObject(object: object, seen: Set<object>): boolean {
  // msgpackr goes by `constructor` to tell what an object is.
  if (object.constructor !== Object) return false;
  for (const [key, each] of Object.entries(object)) {
    if (key === '__proto__' || key === escapeKey || !isPlainText(key) || !isPlain(each, seen)) return false;
  }
  return true;
}
