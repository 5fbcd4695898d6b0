import { expect, test } from 'vitest';
import { workloadFromFile } from './index.ts';

test('statements of an SQL file, with what their comments say', async () => {
  const workload = await workloadFromFile(`
    -- What the shop asks.
    -- calls: 120
    -- parameters: ["7"]
    -- parameters: [null]
    SELECT * FROM orders WHERE customer = $1;
    SELECT 'a;b' AS "c;d" /* e;f */;
    -- weight: 0.5
    UPDATE orders SET note = $q$x;y$q$ WHERE id = 3;
    CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
    SELECT FROM WHERE;
    VACUUM`);
  expect(workload.source).toBe('file');
  expect(workload.statements).toEqual([
    {
      id: '1',
      text: 'SELECT * FROM orders WHERE customer = $1',
      callsPerHour: 120,
      meanMs: null,
      samples: [['7'], [null]],
    },
    { id: '2', text: `SELECT 'a;b' AS "c;d" /* e;f */`, callsPerHour: 1, meanMs: null, samples: [] },
    {
      id: '3',
      text: 'UPDATE orders SET note = $q$x;y$q$ WHERE id = 3',
      callsPerHour: 0.5,
      meanMs: null,
      samples: [],
    },
  ]);
  expect(workload.leftOut).toEqual([
    { text: expect.stringContaining('CREATE FUNCTION'), reason: 'it has no plan (definition)' },
    { text: 'SELECT FROM WHERE', reason: 'it cannot be parsed, or its text is cut off' },
    { text: 'VACUUM', reason: 'it has no plan (maintenance)' },
  ]);
  expect(workload.coverage).toBeCloseTo(121.5 / 124.5, 9);
});

test('statements that differ in their constants only are one, and the busiest come first', async () => {
  const { statements, leftOut, coverage } = await workloadFromFile(
    `SELECT 1 FROM a WHERE b = 1;
     -- calls: 5
     SELECT 1 FROM c;
     -- calls: 6
     SELECT 1 FROM a WHERE b = 2;
     SELECT 1 FROM d`,
    { most: 2 },
  );
  expect(statements.map(({ text, callsPerHour }) => [text, callsPerHour])).toEqual([
    ['SELECT 1 FROM a WHERE b = 2', 7],
    ['SELECT 1 FROM c', 5],
  ]);
  expect(leftOut).toEqual([{ text: 'SELECT 1 FROM d', reason: 'it is not among the 2 that take most' }]);
  expect(coverage).toBeCloseTo(12 / 13, 9);
});

test('a JSON list', async () => {
  const { statements } = await workloadFromFile(
    JSON.stringify([
      { text: 'SELECT 1 FROM a WHERE b = $1', parameters: ['x'], callsPerHour: 3, meanMs: 2, searchPath: 'app' },
      { text: 'SELECT 1 FROM c WHERE d = $1', parameters: [['y'], [null]], callsPerHour: 2, meanMs: 2 },
    ]),
  );
  expect(statements).toEqual([
    {
      id: '1',
      text: 'SELECT 1 FROM a WHERE b = $1',
      callsPerHour: 3,
      meanMs: 2,
      samples: [['x']],
      searchPath: 'app',
    },
    { id: '2', text: 'SELECT 1 FROM c WHERE d = $1', callsPerHour: 2, meanMs: 2, samples: [['y'], [null]] },
  ]);
});

test.each([
  ['nothing', ' -- no statement\n', /no statements/],
  ['a number of calls that is none', '-- calls: many\nSELECT 1', /Statement 1: "many" is no number/],
  ['parameters that are none', '-- parameters: [1]\nSELECT $1', /parameters of statement 1 are no JSON list/],
  ['JSON that is none', '[{', /The file: /],
  ['a list of something else', '[{"sql": "SELECT 1"}]', /0\.text/],
])('refuses %s', async (_what, text, detail) => {
  await expect(workloadFromFile(text)).rejects.toMatchObject({
    code: 'E_BAD_REQUEST',
    detail: expect.stringMatching(detail),
  });
});
