import { PitcrewError } from '../../../../errors.ts';
import type { Cache } from '../../cache.ts';
import { type CachedAnswers, cachedBy, type CachedFunction, type CachedOptions } from './cached.ts';

type Method<This, Args extends unknown[], Value> = (this: This, ...args: Args) => Promise<Value>;

/**
 * Keeps the answers of a method in a cache: a standard decorator, for methods of instances and of classes. Keys begin with the
 * names of the class and the method, `OrderService.find`; a class that inherits the method has answers of its own, as what it
 * overrides may change them. Instances of one class share their answers: where they differ in what they would answer, `key` must
 * say so (it has `this`). Answers are invalidated through `answersOf(service, 'find')`.
 * @param options `name` takes the place of the names of class and method, which minifiers change
 * @example
 * ```ts
 * class OrderService {
 *   @Cached(cache, { ttl: '5m' })
 *   async find(id: number): Promise<Order> { … }
 * }
 * ```
 * @throws `E_USAGE` on anything but a method, and on private ones without `name`
 */
export function Cached<This, Args extends unknown[], Value>(cache: Cache, options: CachedOptions<This, Args, Value>) {
  return (
    method: Method<This, Args, Value>,
    { kind, name: property, private: isPrivate }: ClassMethodDecoratorContext<This, Method<This, Args, Value>>,
  ): Method<This, Args, Value> => {
    if (kind !== 'method') throw new PitcrewError('E_USAGE', `@Cached is for methods, not for a ${String(kind)}`);
    if (isPrivate && options.name === undefined) throw nameless(property, 'It is private.');
    const names = new WeakMap<object, string>();
    const nameOf = (self: This): string => {
      if ((typeof self !== 'object' && typeof self !== 'function') || self === null) {
        throw new PitcrewError('E_USAGE', `${String(property)} was called without its object`);
      }
      const known = names.get(classOf(self));
      if (known !== undefined) return known;
      const name = methodName(self, property, decorated, options.name);
      names.set(classOf(self), name);
      return name;
    };
    const decorated: CachedFunction<This, Args, Value> = cachedBy(cache, method, options, nameOf);
    return decorated;
  };
}

type MethodNames<Target> = {
  [Name in keyof Target]: Target[Name] extends (...args: never[]) => Promise<unknown> ? Name : never;
}[keyof Target];

/**
 * The answers that are kept of a method with `@Cached`.
 * @example
 * ```ts
 * await answersOf(service, 'find').invalidate(42);
 * ```
 * @throws `E_USAGE` when the method is not cached
 */
export function answersOf<Target extends object, Name extends MethodNames<Target>>(
  target: Target,
  name: Name,
): Target[Name] extends (...args: infer Args) => Promise<infer Value> ? CachedAnswers<Args, Value> : never {
  const method = target[name] as unknown;
  if (typeof method !== 'function' || !('of' in method) || typeof method.of !== 'function') {
    throw new PitcrewError('E_USAGE', `${String(name)} is no method with @Cached`, {
      hint: 'Where it has several decorators, @Cached must be the first of them.',
    });
  }
  return method.of(target) as ReturnType<typeof answersOf<Target, Name>>;
}

/** What is told apart: a class, also when its own methods are called on it. */
function classOf(self: object): object {
  return typeof self === 'function' ? self : (Object.getPrototypeOf(self) as object);
}

/**
 * The class that has the method and its name; where another class inherits it, with that one's name in front. So a method that
 * calls the one that it overrides does not wait for itself.
 */
function methodName(self: object, property: string | symbol, decorated: unknown, given: string | undefined): string {
  const owner = ownerOf(self, property, decorated);
  if (given === undefined && owner === undefined) {
    throw nameless(property, 'The class that has it cannot be told: it is wrapped by something else.');
  }
  const base = given ?? `${named(property, owner)}.${String(property)}`;
  return owner === self || owner === classOf(self) ? base : `${named(property, self)}.${base}`;
}

/** The name of a class, or of that of an instance or a prototype. */
function named(property: string | symbol, of: object | undefined): string {
  const name = typeof of === 'function' ? of.name : of?.constructor?.name;
  if (!name) throw nameless(property, 'Its class has no name.');
  return name;
}

/** Where along the prototypes the method is. */
function ownerOf(self: object, property: string | symbol, method: unknown): object | undefined {
  for (let at: object | null = self; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    if (Object.getOwnPropertyDescriptor(at, property)?.value === method) return at;
  }
  return undefined;
}

function nameless(property: string | symbol, detail: string): PitcrewError {
  return new PitcrewError('E_USAGE', `@Cached of ${String(property)} needs a name`, {
    detail,
    hint: 'Give one in its options, or make @Cached the first of several decorators.',
  });
}
