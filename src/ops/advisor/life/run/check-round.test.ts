import { expect, test } from 'vitest';
import { checkReport } from './check-round.ts';

test('a report says how much more was found than is listed', () => {
  const { answers } = checkReport([
    { check: 'duplicate-index', title: 'Duplicates', ms: 1.4, answer: { status: 'found', findings: [], more: 2000 } },
    { check: 'cache-hit', title: 'Cache', ms: 2, answer: { status: 'fine', message: 'Well.' } },
  ]);
  expect(answers).toEqual([
    expect.objectContaining({
      more: 2000,
      message: '2,000 more were found; they are listed when the graver ones are done.',
    }),
    expect.objectContaining({ more: 0, message: 'Well.' }),
  ]);
});
