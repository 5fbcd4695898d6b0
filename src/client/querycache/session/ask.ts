import type { Preface, RawResult } from '../../pool/index.ts';

/** Runs a statement of ours over a connection of the pool, with a question before it. */
export type Ask = (
  text: string,
  values: readonly unknown[],
  before: Omit<Preface, 'answered'>,
) => Promise<{ result: RawResult; before: readonly (string | null)[] | undefined }>;
