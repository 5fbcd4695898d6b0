import { messageOf, PitcrewError } from '../../../errors.ts';
import type { HypotheticalIndex, WhatIf } from '../../whatif/index.ts';
import type { Candidate } from './candidates/types.ts';

/** Sizes of candidates, each asked for once. */
export interface Sizes {
  /** The indexes that can exist; the others are refused. */
  possible(candidates: readonly Candidate[]): Promise<HypotheticalIndex[]>;
  /** Bytes; 0 for what was not asked for or cannot be. */
  known(id: string): number;
  /** What cannot be an index, or what the backend cannot imagine. */
  readonly refused: readonly { text: string; reason: string }[];
}

/** @param describe says which index it is, for people. */
export function createSizes(whatIf: WhatIf, describe: (candidate: Candidate) => string): Sizes {
  const sizes = new Map<string, number | undefined>();
  const told = new Set<string>();
  const refused: { text: string; reason: string }[] = [];
  const ask = async (candidate: Candidate): Promise<number | undefined> => {
    try {
      return await whatIf.size(candidate.index);
    } catch (error) {
      if (!(error instanceof PitcrewError) || (error.code !== 'E_QUERY' && error.code !== 'E_UNSUPPORTED')) throw error;
      const [first] = candidate.index.keys;
      const key = `${candidate.table.oid} ${first?.expression ?? ''}`;
      // The same expression in another index is no news.
      if (!told.has(key)) refused.push({ text: describe(candidate), reason: messageOf(error) });
      told.add(key);
      return undefined;
    }
  };
  return {
    refused,
    known: (id) => sizes.get(id) ?? 0,
    async possible(candidates) {
      const found: HypotheticalIndex[] = [];
      for (const candidate of candidates) {
        const { id } = candidate.index;
        if (!sizes.has(id)) sizes.set(id, await ask(candidate));
        if (sizes.get(id) !== undefined) found.push(candidate.index);
      }
      return found;
    },
  };
}
