/** How instances of a class are stored and made again, in every process that shares a tier. */
export interface ClassHook {
  /** What stands for the class in stored bytes; the same in all processes. */
  readonly name: string;
  /** Instances of exactly this class; of those derived from it only where they have no hook of their own. */
  readonly class: abstract new (...given: never[]) => object;
  /** What is stored: any value that can be stored, instances of other classes with hooks included, but no way back to the instance. */
  readonly encode: (instance: never) => unknown;
  /** Makes an instance of what `encode` gave. What it throws makes the entry a miss. */
  readonly decode: (stored: never) => object;
}

/**
 * A hook with its types checked against each other.
 *
 * @example
 * classHook({ name: 'money', class: Money, encode: (money) => money.cents, decode: (cents) => new Money(cents) })
 */
export function classHook<Instance extends object, Stored>(hook: {
  name: string;
  class: abstract new (...given: never[]) => Instance;
  encode: (instance: Instance) => Stored;
  decode: (stored: Stored) => Instance;
}): ClassHook {
  return hook;
}

export interface ValueOptions {
  /**
   * Classes whose instances are stored as such. Of others without a hook, those with a `toJSON` are stored as what it gives, the
   * rest as plain objects with their own enumerable properties.
   */
  readonly classes?: readonly ClassHook[] | undefined;
  /** Values of at least so many bytes are compressed, where that saves a tenth or more; 1,024 by default, `Infinity` for never. */
  readonly compressAbove?: number | undefined;
  /** The largest value that is stored, and that is believed when bytes claim to be one, in bytes before compression; 64 MiB by default. */
  readonly maxValueBytes?: number | undefined;
}

export const defaultMaxValueBytes = 64 * 1024 * 1024;
