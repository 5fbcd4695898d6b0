import { expect, test } from 'vitest';
import { filterColumns, indexKeys } from './columns.ts';

test.each([
  ['(customer_id = 7)', { equal: ['customer_id'], range: [], expressions: [] }],
  ["((o.state)::text = 'new'::text)", { equal: ['state'], range: [], expressions: [] }],
  [
    "((a = 1) AND (o.b > '2026-01-01'::date) AND (c IS NULL) AND ((d)::text ~~ 'x%'::text))",
    { equal: ['a', 'c'], range: ['b', 'd'], expressions: [] },
  ],
  ["(lower(o.email) = 'x, (y'::text)", { equal: [], range: [], expressions: ['lower(email)'] }],
  ['(app.norm(o.email) = $1)', { equal: [], range: [], expressions: ['app.norm(email)'] }],
  ['("Odd = Name" = 5)', { equal: ['"Odd = Name"'], range: [], expressions: [] }],
  ['(a.x = b.y)', { equal: [], range: [], expressions: [] }],
  ['((a = 1) OR (b = 2))', { equal: [], range: [], expressions: [] }],
  ['active', { equal: ['active'], range: [], expressions: [] }],
  ['', { equal: [], range: [], expressions: [] }],
])('columns of %s', (filter, columns) => {
  expect(filterColumns(filter)).toEqual(columns);
});

test('keys of an index: equality, then the order, else one range', () => {
  expect(indexKeys('((a = 1) AND (b > 2) AND (c > 3))')).toEqual(['a', 'b']);
  expect(indexKeys('((a = 1) AND (b > 2))', ['o.made DESC', 'a'])).toEqual(['a', 'made DESC']);
  expect(indexKeys("(lower(o.email) = 'x'::text)")).toEqual(['(lower(email))']);
  expect(indexKeys(undefined, ['t.x'])).toEqual(['x']);
});
