import { Escape, escapeKey } from './escapes.ts';
import type { ClassHook } from './options.ts';

/** Errors that are made again with their own class; others become an `Error` with their name. */
const errorClasses = new Map<string, new (message: string) => Error>(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((each) => [each.name, each]),
);

/**
 * Undoes `lower`, in place where it can be.
 *
 * @throws for what `lower` does not give
 */
export function raise(lowered: unknown, classes: readonly ClassHook[]): unknown {
  return new Raising(classes).value(lowered);
}

class Raising {
  readonly #classes: readonly ClassHook[];
  readonly #done = new Map<object, unknown>();

  constructor(classes: readonly ClassHook[]) {
    this.#classes = classes;
  }

  value(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (this.#done.has(value)) return this.#done.get(value);
    if (Array.isArray(value)) return this.#array(value);
    if (value instanceof Map) return this.#map(value);
    if (value instanceof Set) return this.#set(value);
    if (Object.getPrototypeOf(value) !== Object.prototype) return value;
    if (Object.hasOwn(value, escapeKey)) return this.#escape(value, (value as Record<string, unknown>)[escapeKey]);
    this.#done.set(value, value);
    const object = value as Record<string, unknown>;
    for (const key of Object.keys(object)) object[key] = this.value(object[key]);
    return object;
  }

  #array(array: unknown[]): unknown[] {
    this.#done.set(array, array);
    for (const [index, each] of array.entries()) array[index] = this.value(each);
    return array;
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    this.#done.set(map, map);
    const entries = [...map];
    map.clear();
    for (const [key, each] of entries) map.set(this.value(key), this.value(each));
    return map;
  }

  #set(set: Set<unknown>): Set<unknown> {
    this.#done.set(set, set);
    const all = [...set];
    set.clear();
    for (const each of all) set.add(this.value(each));
    return set;
  }

  #escape(value: object, parts: unknown): unknown {
    if (!Array.isArray(parts)) throw new TypeError('an escape without parts');
    const [kind, first, second, third] = parts as unknown[];
    switch (kind) {
      case Escape.negativeZero:
        return -0;
      case Escape.text:
        if (!Buffer.isBuffer(first)) throw new TypeError('text without bytes');
        return first.toString('utf16le');
      case Escape.object:
        return this.#properties(this.#remember(value, {}), parts.slice(1));
      case Escape.error:
        return this.#error(value, String(this.value(first)), String(this.value(second)), third);
      case Escape.instance:
        return this.#instance(value, first, second);
      default:
        throw new TypeError('an escape of an unknown kind');
    }
  }

  /** Defines them: to assign to `__proto__` would do something else. */
  #properties<Target extends object>(target: Target, keysAndValues: readonly unknown[]): Target {
    for (let index = 0; index < keysAndValues.length; index += 2) {
      const key = this.value(keysAndValues[index]);
      if (typeof key !== 'string') throw new TypeError('a key that is no text');
      define(target, key, this.value(keysAndValues[index + 1]), true);
    }
    return target;
  }

  #error(value: object, name: string, message: string, stored: unknown): Error {
    const error = this.#remember(value, newError(name, message));
    const own = this.value(stored);
    if (typeof own !== 'object' || own === null) throw new TypeError('an error without properties');
    for (const [key, each] of Object.entries(own)) define(error, key, each, key !== 'cause' && key !== 'errors');
    return error;
  }

  #instance(value: object, name: unknown, stored: unknown): unknown {
    const hook = this.#classes.find((each) => each.name === name);
    if (!hook) throw new TypeError('an instance of a class without a hook');
    // What leads back to the instance cannot be: it is not there yet.
    this.#done.set(value, undefined);
    return this.#remember(value, hook.decode(this.value(stored) as never));
  }

  #remember<Raised>(value: object, raised: Raised): Raised {
    this.#done.set(value, raised);
    return raised;
  }
}

function newError(name: string, message: string): Error {
  const error =
    name === 'AggregateError' ? new AggregateError([], message) : new (errorClasses.get(name) ?? Error)(message);
  if (error.name !== name) define(error, 'name', name, false);
  define(error, 'stack', `${name}: ${message}`, false);
  return error;
}

function define(target: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, key, { value, enumerable, configurable: true, writable: true });
}
