import { expect, test, vi } from 'vitest';
import { createDescriber, loadParser, parserLoaded } from '../../../sql/index.ts';
import { StatementRecords } from './records.ts';

const text = 'SELECT a FROM t WHERE b = $1';

test('what was met before the parser was loaded, or while it was replaced, is understood afterwards', async () => {
  const records = new StatementRecords(createDescriber());
  expect(parserLoaded()).toBe(false);
  expect(records.of(text)).toMatchObject({ shareable: false, description: { kind: 'unknown' } });
  await loadParser();
  expect(records.of(text)).toMatchObject({ shareable: true, description: { kind: 'select' } });

  // The parser breaks on it, and another one is started.
  records.of(`SELECT 1${' + 1'.repeat(12_000)}`);
  expect(parserLoaded()).toBe(false);
  const other = 'SELECT b FROM t WHERE a = $1';
  expect(records.of(other)).toMatchObject({ shareable: false });
  await vi.waitFor(() => expect(parserLoaded()).toBe(true), { timeout: 20_000 });
  expect(records.of(other)).toMatchObject({ shareable: true, description: { kind: 'select' } });
  expect(records.of(other)).toBe(records.of(other));
});
