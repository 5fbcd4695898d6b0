import { beforeAll, expect, test } from 'vitest';
import { isMovingText, loadParser, type References, referencesOf } from '../index.ts';

beforeAll(loadParser);

function of(text: string): References {
  const { references, reason } = referencesOf(text);
  if (!references) throw new Error(reason);
  return references;
}

test('relations are named with their schema, common table expressions left out', () => {
  expect(of('WITH a AS (SELECT * FROM b) SELECT * FROM a, s.a, ONLY c').relations).toEqual([
    { schema: undefined, name: 'b', only: false },
    { schema: 's', name: 'a', only: false },
    { schema: undefined, name: 'c', only: true },
  ]);
  expect(of('SELECT * FROM ONLY a, a b').relations).toEqual([{ schema: undefined, name: 'a', only: false }]);
  expect(of('TABLE ONLY a').relations).toMatchObject([{ only: true }]);
});

test('functions are told by name and number of arguments', () => {
  expect(of('SELECT f(1, b), s.g(), count(*), h(VARIADIC a), mode() WITHIN GROUP (ORDER BY x)').functions).toEqual([
    { name: ['f'], arguments: 2 },
    { name: ['s', 'g'], arguments: 0 },
    { name: ['count'], arguments: 0 },
    { name: ['h'], arguments: undefined },
    { name: ['mode'], arguments: undefined },
  ]);
});

test('fields may be functions of the row', () => {
  expect(of('SELECT a.b, (c).d, e, (f.g).h, i.* FROM a').fields).toEqual(['b', 'd', 'h', 'g']);
  expect(of('SELECT ctid, a.xmax FROM a').columns).toEqual(['ctid', 'xmax']);
});

test.each([
  ['SELECT 1 + 2', ['+']],
  ['SELECT a OPERATOR(s.@@) b', ['s.@@']],
  ['SELECT 1 WHERE a BETWEEN 1 AND 2', ['>=', '<=']],
  ['SELECT 1 WHERE a IN (SELECT 1)', ['=']],
  ['SELECT 1 WHERE a = ANY (SELECT 1)', ['=']],
  ['SELECT CASE a WHEN 1 THEN 2 END', ['=']],
  ['SELECT CASE WHEN a THEN 2 END', []],
  ['SELECT * FROM a JOIN b USING (c)', ['=']],
  ['SELECT * FROM a NATURAL JOIN b', ['=']],
  ['SELECT * FROM a ORDER BY b USING >', ['>']],
  [`SELECT a LIKE 'x', a IS DISTINCT FROM b, NULLIF(a, b)`, ['~~', '=', '=']],
])('%s uses operators', (text, operators) => {
  expect(of(text).operators.map((name) => name.join('.'))).toEqual(operators);
});

test('types come with what is cast to them', () => {
  expect(of(`SELECT a::int, $1::s.t[], 'x'::date`).types).toEqual([
    { name: ['pg_catalog', 'int4'], array: false, sources: [{ kind: 'column', name: 'a' }] },
    { name: ['s', 't'], array: true, sources: [{ kind: 'constant' }] },
    { name: ['date'], array: false, sources: [{ kind: 'constant' }] },
  ]);
  const sources = (text: string) => of(text).types.find(({ name }) => name.at(-1) === 'date')?.sources;
  expect(sources('SELECT coalesce(a.x, max(b), $1, f(1))::date')).toEqual([
    { kind: 'column', name: 'x' },
    { kind: 'column', name: 'b' },
    { kind: 'constant' },
    { kind: 'function', call: { name: ['f'], arguments: 1 } },
  ]);
  expect(sources('SELECT (a + b)::date')).toEqual([
    { kind: 'column', name: 'a' },
    { kind: 'column', name: 'b' },
  ]);
  expect(sources('SELECT (a || b)::date')).toEqual([{ kind: 'other' }]);
  expect(sources('SELECT (SELECT a)::date')).toEqual([{ kind: 'other' }]);
  expect(sources('SELECT a::text::date')).toEqual([{ kind: 'type', name: ['text'], array: false }]);
  expect(sources('SELECT CASE WHEN a THEN b ELSE $2 END::date')).toEqual([
    { kind: 'column', name: 'b' },
    { kind: 'constant' },
  ]);
  expect(sources('SELECT date(a)')).toEqual([{ kind: 'column', name: 'a' }]);
  expect(sources(`SELECT * FROM json_to_record('') AS x (a date)`)).toEqual([{ kind: 'other' }]);
  expect(sources(`SELECT JSON_VALUE(a, '$' RETURNING date)`)).toEqual([{ kind: 'other' }]);
  expect(sources(`SELECT * FROM JSON_TABLE(a, '$' COLUMNS (b date)) x`)).toEqual([{ kind: 'other' }]);
  expect(sources(`SELECT * FROM XMLTABLE('x' PASSING a COLUMNS b date) x`)).toEqual([{ kind: 'other' }]);
});

test('names within a query are told apart from those of its result', () => {
  expect([...of('SELECT a AS b FROM (SELECT c AS d FROM e AS f (g)) AS h').aliases].toSorted()).toEqual([
    'd',
    'f',
    'g',
    'h',
  ]);
});

test('settings, keywords and words that move', () => {
  expect(of(`SELECT current_setting('App.A'), pg_catalog.current_setting('b', true)`).settings).toEqual(['app.a', 'b']);
  expect(of('SELECT current_setting(a)').settings).toEqual([undefined]);
  expect(of('SELECT CURRENT_USER, CURRENT_DATE').valueFunctions).toEqual(['SVFOP_CURRENT_USER', 'SVFOP_CURRENT_DATE']);
  expect(of(`SELECT 'today'`).movingConstant).toBe(true);
  expect(of(`SELECT today, "now" FROM tomorrow`).movingConstant).toBe(false);
  expect(of('SELECT * FROM a TABLESAMPLE SYSTEM (1)').samples).toBe(true);
  expect(isMovingText('snow')).toBe(false);
});

test.each([
  ['', 'it is not one statement'],
  ['SELECT 1; SELECT 2', 'it is not one statement'],
  ['UPDATE a SET b = 1', 'it is not a query'],
  ['EXPLAIN SELECT 1', 'it is not a query'],
  ['SELECT FROM WHERE', 'it cannot be parsed'],
  ['SELECT * FROM a FOR SHARE', 'it locks rows (FOR UPDATE, FOR SHARE)'],
  ['SELECT * FROM pg_temp.a', 'it names a temporary table or type'],
  [`SELECT '${'x'.repeat(50_001)}'`, 'it is longer than 50000 characters'],
])('%# what is no plain query is refused', (text, reason) => {
  expect(referencesOf(text)).toEqual({ reason });
});
