/**
 * What msgpackr cannot carry is stored as an object with this one key, and under it a list: what it is, and what it is made of.
 * Objects that have such a key themselves are stored as `object`.
 */
export const escapeKey = '\0';

/** What an escape stands for, as it is stored. Numbers never change their meaning. */
export const Escape = {
  /** −0 */
  negativeZero: 0,
  /** Text: its UTF-16 units, little-endian. */
  text: 1,
  /** An object: its keys and values by turns. */
  object: 2,
  /** name, message, stored properties */
  error: 3,
  /** name of the hook, what it gave */
  instance: 4,
} as const;
