import { expect, test } from 'vitest';
import { endOfRecords, waitSql } from './probe-sql.ts';

const page = 8192n;
const segment = 16n * 1024n * 1024n;

test('right behind a header, the last record ended with the page before', () => {
  expect(endOfRecords(7n * page + 24n, 7 * 8192 + 24)).toBe(7n * page);
  expect(endOfRecords(3n * segment + 40n, 40)).toBe(3n * segment);
});

test('anywhere else there are records', () => {
  for (const offset of [0n, 8n, 32n, 40n, 48n, 8184n])
    expect(endOfRecords(7n * page + offset, 7 * 8192 + Number(offset))).toBe(7n * page + offset);
});

test('a standby is told where to and how long to wait', () => {
  expect(waitSql(0x16_b374_d848n, 100).trim()).toBe(
    `WAIT /* pitcrew */ FOR LSN '16/B374D848' WITH (TIMEOUT '100ms', NO_THROW)`,
  );
});
