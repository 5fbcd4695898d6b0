import { describe } from 'vitest';
import { testDatabase, testedMajors } from '../support/postgres.ts';
import { twinOf } from '../support/whatif.ts';
import { conformsToWhatIf } from './conformance.ts';

describe.each(testedMajors(18, 15))('the twin of PostgreSQL %i', (major) => {
  conformsToWhatIf({
    source: () => testDatabase(major),
    async open(url) {
      const made = await twinOf(url);
      return { ...made.twin, close: async () => made[Symbol.asyncDispose]() };
    },
    hides: true,
    imaginesAll: true,
  });
});
