import { describe } from 'vitest';
import { testDatabase, testedMajors } from '../support/postgres.ts';
import { twinOf } from '../support/twin.ts';
import { conformsToWhatIf } from './conformance.ts';

describe.each(testedMajors(18, 15))('the twin of PostgreSQL %i', (major) => {
  conformsToWhatIf({
    source: () => testDatabase(major),
    open: (url) => twinOf(url),
    hides: true,
    imaginesAll: true,
  });
});
