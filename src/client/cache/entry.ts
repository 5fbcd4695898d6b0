/** A value as tiers keep it. Times in ms since the epoch. */
export interface Entry {
  readonly value: unknown;
  readonly createdAt: number;
  /** Until then it is served as it is. */
  readonly freshUntil: number;
  /** Until then it is kept, to be served while a new one is loaded, or when that fails. */
  readonly keptUntil: number;
  readonly tags: readonly string[];
  /** How long its loader took, in ms: what early refreshes go by. 0 for values that were set. */
  readonly loadMs: number;
}
