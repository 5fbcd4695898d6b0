import { PitcrewError } from '../../../../errors.ts';
import type { Cache } from '../../cache.ts';
import type { RememberOptions, Ttl } from '../../options.ts';
import { cacheKey, keyPattern } from '../keys/cache-key.ts';

export interface CachedOptions<This, Args extends unknown[], Value> extends Omit<
  RememberOptions<Value>,
  'signal' | 'tags'
> {
  /** What its keys begin with: no two functions of one cache may have the same. The function's own name by default. */
  name?: string | undefined;
  ttl: Ttl<Value>;
  /** What tells calls apart; all arguments by default. Whatever else the answer depends on belongs in it, such as who asks. */
  key?: ((this: This, ...args: Args) => readonly unknown[]) | undefined;
  /** As for `remember`, where a function is given the arguments, too. */
  tags?: readonly string[] | ((this: This, value: Value, ...args: Args) => readonly string[]) | undefined;
}

/** What can be done about the answers that are kept of a function. */
export interface CachedAnswers<Args extends unknown[], Value> {
  /** Forgets the answer to these arguments. */
  invalidate(...args: Args): Promise<void>;
  /** Forgets all its answers. */
  invalidateAll(): Promise<void>;
  /** Calls the function and puts its answer in the place of what is kept, which is served until then. */
  refresh(...args: Args): Promise<Value>;
  /** The key under which the answer to these arguments is kept. */
  key(...args: Args): string;
}

export interface CachedFunction<This, Args extends unknown[], Value> extends CachedAnswers<Args, Value> {
  (this: This, ...args: Args): Promise<Value>;
  /** The answers for one `this`, where `key` makes a difference of it or the function is a method. */
  of(self: This): CachedAnswers<Args, Value>;
}

/**
 * A function of the same type that keeps its answers in a cache. Arguments are told apart as `cacheKey` does; those at the end that
 * are `undefined` are as if they were not given. `this` goes to the function, and makes no difference unless `key` says so.
 * @example
 * ```ts
 * const getOrder = cached(cache, loadOrder, { ttl: '5m', tags: (order) => [`customer:${order.customerId}`] });
 * await getOrder(42);
 * await getOrder.invalidate(42);
 * ```
 * @throws `E_USAGE` for a function without a name when none is given; its calls, for arguments that no key can be made of
 */
export function cached<This, Args extends unknown[], Value>(
  cache: Cache,
  fn: (this: This, ...args: Args) => Value | PromiseLike<Value>,
  options: CachedOptions<This, Args, Value>,
): CachedFunction<This, Args, Value> {
  const name = options.name ?? fn.name;
  if (name === '') {
    throw new PitcrewError('E_USAGE', 'a cached function needs a name', { hint: 'Give one in the options.' });
  }
  return cachedBy(cache, fn, options, () => name);
}

/** As `cached`, with a name that may depend on `this`. */
export function cachedBy<This, Args extends unknown[], Value>(
  cache: Cache,
  fn: (this: This, ...args: Args) => Value | PromiseLike<Value>,
  { ttl, key: partsOf, tags, ...options }: CachedOptions<This, Args, Value>,
  nameOf: (self: This) => string,
): CachedFunction<This, Args, Value> {
  const keyOf = (self: This, args: Args): string =>
    cacheKey(nameOf(self), ...(partsOf ? partsOf.apply(self, args) : given(args)));
  const load = (self: This, args: Args) => () => fn.apply(self, args);
  const remembering = (self: This, args: Args): RememberOptions<Value> =>
    tags === undefined
      ? options
      : { ...options, tags: typeof tags === 'function' ? (value) => tags.call(self, value, ...args) : tags };

  const answersOf = (self: This): CachedAnswers<Args, Value> => ({
    invalidate: (...args) => cache.delete(keyOf(self, args)),
    invalidateAll: async () => {
      const own = nameOf(self);
      await Promise.all([cache.delete(cacheKey(own)), cache.invalidatePattern(keyPattern(own))]);
    },
    refresh: async (...args) => cache.refresh(keyOf(self, args), ttl, load(self, args), remembering(self, args)),
    key: (...args) => keyOf(self, args),
  });

  // Whatever is wrong with the arguments is told by the promise, as of any function of its type.
  async function answer(this: This, ...args: Args): Promise<Value> {
    return cache.remember(keyOf(this, args), ttl, load(this, args), remembering(this, args));
  }
  Object.defineProperty(answer, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(answer, 'length', { value: fn.length, configurable: true });
  return Object.assign(answer, answersOf(undefined as This), { of: answersOf });
}

/** Without those at the end that are `undefined`: to nearly all functions they are the same as none. */
function given(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((arg) => arg !== undefined) + 1);
}
