import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'pitcrew-matrix-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the benchmark as `npm run bench -- index-selection` does, on a file with this text. */
function run(text: string, ...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const file = join(folder, 'matrix.json');
  writeFileSync(file, text);
  const program = join(import.meta.dirname, '..', '..', 'run.ts');
  return spawnSync(process.execPath, [program, 'index-selection', file, ...args], { encoding: 'utf8' });
}

const matrix = {
  name: 'unknown fields are passed over',
  queries: [{ id: 'q', weight: 2, text: 'SELECT 1' }],
  indexes: [
    { id: 'a', size: 10, writeCost: 1 },
    { id: 'b', size: 5 },
  ],
  costs: [
    { query: 'q', indexes: [], cost: 100 },
    { query: 'q', indexes: ['a'], cost: 10 },
    { query: 'q', indexes: ['b'], cost: 20 },
  ],
  budgets: [0, 5, 10, null],
};

test('prints one document for each budget, one on each line', () => {
  const { stdout, status } = run(JSON.stringify(matrix), '--json');
  const documents = stdout
    .trimEnd()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const seconds = expect.any(Number);
  expect(documents).toEqual([
    { budget: 0, selected: [], cost: 200, bound: 200, gap: 0, seconds },
    { budget: 5, selected: ['b'], cost: 40, bound: 40, gap: 0, seconds },
    { budget: 10, selected: ['a'], cost: 21, bound: 21, gap: 0, seconds },
    { budget: null, selected: ['a'], cost: 21, bound: 21, gap: 0, seconds },
  ]);
  expect(status).toBe(0);
});

test.each([
  ['what is no JSON', '{', /no JSON/],
  ['what is no matrix', '{"queries": [{"weight": 1}]}', /no cost matrix\nqueries\.0\.id/],
  ['an index that is not there', JSON.stringify({ ...matrix, indexes: [] }), /names the index "a"/],
  ['a budget below 0', JSON.stringify({ ...matrix, budgets: [-1] }), /budget is -1/],
])('refuses %s with exit code 2', (_what, text, message) => {
  const { stdout, stderr, status } = run(text);
  expect(stderr).toMatch(message);
  expect(stdout).toBe('');
  expect(status).toBe(2);
});
