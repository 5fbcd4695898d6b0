import { Escape, escapeKey } from './escapes.ts';
import { isLeaf, isPlainText } from './inspect.ts';
import type { ClassHook } from './options.ts';

/** A copy of a value that msgpackr can carry; parts that are shared, or contain themselves, stay so. */
export function lower(value: unknown, classes: readonly ClassHook[]): unknown {
  return new Lowering(classes).value(value);
}

class Lowering {
  readonly #classes: readonly ClassHook[];
  readonly #done = new Map<object, unknown>();

  constructor(classes: readonly ClassHook[]) {
    this.#classes = classes;
  }

  value(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        return isPlainText(value) ? value : escaped(Escape.text, Buffer.from(value, 'utf16le'));
      case 'number':
        return Object.is(value, -0) ? escaped(Escape.negativeZero) : value;
      case 'object':
        return value === null ? null : this.#object(value);
      case 'function':
      case 'symbol':
        return undefined;
      default:
        return value;
    }
  }

  #object(value: object): unknown {
    // Also while it is being made: what contains itself then contains its copy.
    if (this.#done.has(value)) return this.#done.get(value);
    if (isLeaf(value, Object.getPrototypeOf(value))) return value;
    const hook = this.#hookOf(value);
    if (hook) {
      const parts: unknown[] = [Escape.instance, hook.name];
      this.#done.set(value, { [escapeKey]: parts });
      parts.push(this.value(hook.encode(value as never)));
      return this.#done.get(value);
    }
    if (Array.isArray(value)) {
      const copy = this.#remember(value, [] as unknown[]);
      for (const each of value) copy.push(this.value(each));
      return copy;
    }
    if (value instanceof Map) {
      const copy = this.#remember(value, new Map<unknown, unknown>());
      for (const [key, each] of value) copy.set(this.value(key), this.value(each));
      return copy;
    }
    if (value instanceof Set) {
      const copy = this.#remember(value, new Set<unknown>());
      for (const each of value) copy.add(this.value(each));
      return copy;
    }
    if (value instanceof Error) return this.#error(value);
    return this.#other(value);
  }

  /** Dates and bytes of derived classes lose only that; the rest goes by `toJSON`, or by properties. */
  #other(value: object): unknown {
    if (value instanceof Date) return this.#remember(value, new Date(value));
    if (value instanceof RegExp) return this.#remember(value, new RegExp(value.source, value.flags));
    if (value instanceof Uint8Array) return this.#remember(value, Buffer.from(value));
    if (Object.getPrototypeOf(value) !== Object.prototype && 'toJSON' in value && typeof value.toJSON === 'function') {
      // One that gives something else each time must not run for ever.
      this.#done.set(value, undefined);
      const copy = this.value(value.toJSON());
      this.#done.set(value, copy);
      return copy;
    }
    return this.#properties(value);
  }

  #properties(value: object): object {
    const entries = Object.entries(value).filter(([, each]) => typeof each !== 'function' && typeof each !== 'symbol');
    if (entries.every(([key]) => isPlainKey(key))) {
      const copy = this.#remember(value, {} as Record<string, unknown>);
      for (const [key, each] of entries) copy[key] = this.value(each);
      return copy;
    }
    const parts: unknown[] = [Escape.object];
    const copy = this.#remember(value, { [escapeKey]: parts });
    for (const [key, each] of entries) parts.push(this.value(key), this.value(each));
    return copy;
  }

  #error(error: Error): object {
    const parts: unknown[] = [Escape.error, this.value(String(error.name)), this.value(String(error.message))];
    const copy = this.#remember(error, { [escapeKey]: parts });
    const own: Record<string, unknown> = { ...error };
    // Neither is enumerable as a rule. The stack is of no use to another process, and tells of this one.
    if ('cause' in error) own['cause'] = error.cause;
    if (error instanceof AggregateError) own['errors'] = error.errors;
    delete own['name'];
    delete own['stack'];
    parts.push(this.#properties(own));
    return copy;
  }

  #hookOf(value: object): ClassHook | undefined {
    if (this.#classes.length === 0) return undefined;
    const { constructor } = value;
    const exact = this.#classes.find((each) => each.class === constructor);
    return exact ?? this.#classes.find((each) => value instanceof each.class);
  }

  #remember<Copy>(value: object, copy: Copy): Copy {
    this.#done.set(value, copy);
    return copy;
  }
}

/** `constructor` is what msgpackr goes by to tell what an object is. */
function isPlainKey(key: string): boolean {
  return key !== '__proto__' && key !== 'constructor' && key !== escapeKey && isPlainText(key);
}

function escaped(...parts: unknown[]): object {
  return { [escapeKey]: parts };
}
