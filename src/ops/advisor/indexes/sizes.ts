import { messageOf, PitcrewError } from '../../../errors.ts';
import type { WhatIf } from '../../whatif/index.ts';
import type { Candidate } from './candidates/types.ts';

/** Sizes of candidates, each asked for once. What cannot be an index, or that the backend cannot imagine, is known after. */
export interface Sizes {
  /** @returns bytes; `undefined` for what cannot be an index. */
  of(candidate: Candidate): Promise<number | undefined>;
  known(id: string): number;
  readonly refused: readonly { text: string; reason: string }[];
}

export function createSizes(whatIf: WhatIf, describe: (candidate: Candidate) => string): Sizes {
  const sizes = new Map<string, number | undefined>();
  const refused: { text: string; reason: string }[] = [];
  return {
    refused,
    known: (id) => sizes.get(id) ?? 0,
    async of(candidate) {
      const { id } = candidate.index;
      if (sizes.has(id)) return sizes.get(id);
      try {
        sizes.set(id, await whatIf.size(candidate.index));
      } catch (error) {
        if (!(error instanceof PitcrewError) || (error.code !== 'E_QUERY' && error.code !== 'E_UNSUPPORTED'))
          throw error;
        sizes.set(id, undefined);
        refused.push({ text: describe(candidate), reason: messageOf(error) });
      }
      return sizes.get(id);
    },
  };
}
