import type pg from 'pg';
import { type Call, type Preface, rawConfig, rawOf, type RawResult } from '../../pool/index.ts';

/** What a connection has answered: the statement, and the question before it. */
export interface Asked {
  readonly result: RawResult;
  readonly before: readonly (string | null)[] | undefined;
}

/** Runs a statement of ours over a connection of the pool, with a question before it. */
export type Ask = (text: string, values: readonly unknown[], before: Omit<Preface, 'answered'>) => Promise<Asked>;

/** Runs a statement as if nothing were kept, with a question before it, and gives the texts of its answer. */
export async function runRaw(
  run: (call: Call) => Promise<pg.QueryResult>,
  call: Pick<Call, 'text' | 'values' | 'isQuestion'> & { signal?: AbortSignal },
  before: Omit<Preface, 'answered'>,
): Promise<Asked> {
  const { text, values, signal, isQuestion } = call;
  let told: Asked['before'];
  const result = await run({
    text,
    values,
    config: { text, ...rawConfig, signal },
    callback: undefined,
    cache: false,
    preface: { ...before, answered: (row) => (told = row) },
    isQuestion,
  });
  return { result: rawOf(result), before: told };
}
