import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, test, vi } from 'vitest';
import { createDescriber, describe, loadParser, parserLoaded } from './index.ts';

beforeAll(loadParser);

const deep = [
  `SELECT 1${' + 1'.repeat(12_000)}`,
  `SELECT ${'NOT '.repeat(12_000)}true`,
  `SELECT ${'('.repeat(20_000)}1${')'.repeat(20_000)}`,
  `SELECT 1${'::int'.repeat(9000)}`,
  `SELECT ${'f('.repeat(12_000)}1${')'.repeat(12_000)}`,
  `SELECT ${'(SELECT '.repeat(4000)}1${')'.repeat(4000)}`,
  `SELECT 1${' UNION SELECT 1'.repeat(3000)}`,
  `SELECT ${'CASE WHEN '.repeat(2000)}true${' THEN 1 END'.repeat(2000)}`,
];

test('what is nested too deeply is unknown, and what comes after is understood as before', async () => {
  const before = createDescriber()('SELECT a FROM t WHERE b IN (1, 2)');
  for (const text of deep) {
    const fresh = createDescriber();
    const { kind, readOnly } = fresh(text);
    if (kind === 'unknown') expect(readOnly).toBe(false);
    await vi.waitFor(() => expect(parserLoaded()).toBe(true), { timeout: 20_000 });
    expect(fresh('SELECT a FROM t WHERE b IN (1, 2)')).toEqual(before);
    expect(fresh('WITH x AS (DELETE FROM t RETURNING a) TABLE x').readOnly).toBe(false);
  }
  expect(describe(deep[0] ?? '').kind).toBe('unknown');
});

test('a stack that is nearly full is no danger', async () => {
  const fresh = createDescriber();
  const answers: { kind: string; readOnly: boolean }[] = [];
  const dive = (): void => {
    try {
      dive();
    } finally {
      if (answers.length < 300) answers.push(fresh(`DELETE FROM t WHERE a = ${answers.length}`));
    }
  };
  expect(dive).toThrow();
  expect(answers.length).toBe(300);
  expect(answers.filter(({ readOnly }) => readOnly)).toEqual([]);
  await vi.waitFor(() => expect(parserLoaded()).toBe(true), { timeout: 20_000 });
  expect(fresh('SELECT 1').readOnly).toBe(true);
});

test('a text of 50,000 characters is parsed, a longer one is not', () => {
  expect(describe(`SELECT '${'x'.repeat(49_990)}'`).kind).toBe('select');
  expect(describe(`SELECT '${'x'.repeat(50_000)}'`)).toMatchObject({ kind: 'unknown', session: true });
});

test('parsing takes a few megabytes, not the hundreds that optimizing the parser would', async () => {
  const program = `
    const { describe, loadParser } = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)});
    await loadParser();
    const before = process.resourceUsage().maxRSS;
    for (let at = 0; at < 3000; at++) describe('SELECT a, count(*) FROM t WHERE b IN (1, 2) GROUP BY a LIMIT ' + at);
    // The optimizing compiler would be at work still.
    await new Promise((resolve) => setTimeout(resolve, 500));
    console.log((process.resourceUsage().maxRSS - before) / 1024);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  expect(Number(stdout)).toBeLessThan(150);
});
