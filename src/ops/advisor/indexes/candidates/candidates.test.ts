import { beforeAll, expect, test } from 'vitest';
import { analysed, existing, modelOf, tableOf } from '../../../../../test/support/table-model.ts';
import { loadParser } from '../../../../sql/index.ts';
import { definitionOf } from '../report/finding.ts';
import { candidatesOf } from './generate.ts';
import { candidateLimits } from './types.ts';

beforeAll(loadParser);

const columns = {
  id: { distinct: 100_000, correlation: 1 },
  a: { distinct: 5000 },
  b: { distinct: 20 },
  c: { distinct: 300 },
  at: { type: 'timestamptz', category: 'D', distinct: 90_000, correlation: 0.99, width: 8 },
  status: { type: 'text', category: 'S', distinct: 3, width: 5, common: { open: 0.01, done: 0.98, lost: 0.01 } },
  code: { type: 'text', category: 'S', distinct: 100_000, width: 33 },
  name: { type: 'text', category: 'S', distinct: 50_000, width: 12 },
  gone: { type: 'timestamptz', category: 'D', distinct: 900, nulls: 0.98, width: 8 },
  live: { type: 'timestamptz', category: 'D', distinct: 900, nulls: 0.1, width: 8 },
  flag: { type: 'bool', category: 'B', distinct: 2, width: 1, common: { t: 0.03, f: 0.97 } },
  doc: { type: 'jsonb', category: 'U', width: 200 },
  tags: { type: '_text', category: 'A', width: 40 },
  words: { type: 'tsvector', category: 'U', width: 300 },
  during: { type: 'tstzrange', category: 'R', width: 22 },
  place: { type: 'point', category: 'G', width: 16 },
};
const t = tableOf('t', columns);
const u = tableOf('u', { id: { distinct: 100_000 }, a: {}, note: { type: 'text', category: 'S', width: 400 } });

function of(text: string, table = t, limits = candidateLimits): string[] {
  const model = modelOf(table, u);
  const { byId } = candidatesOf([analysed(text, model)], model, limits);
  return [...byId.values()].filter((candidate) => candidate.table === table).map(({ index }) => definitionOf(index));
}

test.each([
  ['a = $1', ['(a)']],
  ['a = $1 AND b = $2', ['(a, b)', '(a)', '(b)']],
  ['b = $1 AND at > $2', ['(b)', '(b, at)', '(at)']],
  ['b IN (1, 2) AND c BETWEEN 1 AND 3', ['(b, c)']],
  ['(at, id) > ($1, $2)', ['(at)']],
  ['lower(name) = $1', ['(lower(name))']],
  [`date_trunc('day', at) = $1`, [`(date_trunc('day', at))`]],
  [`doc ->> 'k' = $1`, [`((doc ->> 'k'))`]],
  [`name LIKE 'ab%'`, ['(name text_pattern_ops)']],
  [`name LIKE '%ab%'`, ['gin (name gin_trgm_ops)']],
  [`name LIKE $1`, ['gin (name gin_trgm_ops)', '(name text_pattern_ops)']],
  [`name ILIKE 'ab%'`, ['gin (name gin_trgm_ops)']],
  [`doc @> '{}'`, ['gin (doc)', 'gin (doc jsonb_path_ops)']],
  [`doc ? 'k'`, ['gin (doc)']],
  [`tags && ARRAY['x']`, ['gin (tags)']],
  [`words @@ to_tsquery('x')`, ['gin (words)']],
  [`to_tsvector('english', name) @@ to_tsquery($1)`, [`gin (to_tsvector('english', name))`]],
  [`during && tstzrange($1, $2)`, ['gist (during)']],
  ['code = $1', ['(code)', 'hash (code)']],
  ['a = 1 OR c = 2', ['(a)', '(c)']],
])('WHERE %s', (where, expected) => {
  expect(of(`SELECT doc FROM t WHERE ${where}`)).toEqual(expect.arrayContaining(expected));
});

test.each([
  ['WHERE b = $1 ORDER BY at DESC LIMIT 10', '(b, at)'],
  ['ORDER BY at DESC, id DESC LIMIT 10', '(at, id)'],
  ['ORDER BY at DESC, id LIMIT 10', '(at, id DESC)'],
  ['ORDER BY at DESC NULLS LAST LIMIT 10', '(at NULLS FIRST)'],
  ['ORDER BY at NULLS FIRST, id DESC LIMIT 10', '(at NULLS FIRST, id DESC)'],
  ['ORDER BY place <-> point($1, $2) LIMIT 5', 'gist (place)'],
  ['WHERE c > 3 ORDER BY b, a LIMIT 5', '(b, a)'],
])('an order: %s', (rest, expected) => {
  expect(of(`SELECT doc FROM t ${rest}`)).toContain(expected);
});

test('groups and extremes', () => {
  expect(of('SELECT b, c, count(*) FROM t GROUP BY b, c')).toContain('(b, c)');
  expect(of('SELECT max(at) FROM t WHERE b = $1')).toContain('(b, at)');
  expect(of('SELECT DISTINCT c FROM t')).toContain('(c)');
});

test('joins, alone and with conditions', () => {
  const found = of('SELECT t.doc FROM t JOIN u ON u.id = t.a WHERE t.b = $1 AND u.a = $2');
  expect(found).toEqual(expect.arrayContaining(['(a)', '(b)', '(a, b)', '(b, a)']));
});

test('what else is read is carried along where it is little', () => {
  expect(of('SELECT b, at FROM t WHERE a = $1')).toContain('(a) INCLUDE (b, at)');
  expect(of('SELECT b, at FROM t WHERE a > $1')).toContain('(a) INCLUDE (b, at)');
  expect(of('SELECT b FROM t WHERE lower(name) = $1').filter((each) => each.includes('INCLUDE'))).toEqual([]);
  expect(of('SELECT doc FROM t WHERE a = $1').filter((each) => each.includes('INCLUDE'))).toEqual([]);
  expect(of('SELECT * FROM t WHERE a = $1').filter((each) => each.includes('INCLUDE'))).toEqual([]);
});

test('rows of a rare state are indexed by themselves', () => {
  expect(of(`SELECT doc FROM t WHERE status = 'open' AND a = $1`)).toContain(`(a) WHERE status = 'open'`);
  expect(of(`SELECT doc FROM t WHERE status = 'open'`)).toContain(`(status) WHERE status = 'open'`);
  expect(of(`SELECT doc FROM t WHERE gone IS NOT NULL ORDER BY at LIMIT 5`)).toContain('(at) WHERE gone IS NOT NULL');
  expect(of(`SELECT doc FROM t WHERE flag AND a = $1`)).toContain('(a) WHERE flag');
  const partial = (where: string) =>
    of(`SELECT doc FROM t WHERE ${where} AND a = $1`).filter((each) => each.includes('WHERE'));
  // Nearly all rows; one value of very many; a value that is only known when it is run.
  expect(partial(`status = 'done'`)).toEqual([]);
  expect(partial('live IS NOT NULL')).toEqual([]);
  expect(partial(`code = 'x'`)).toEqual([]);
  expect(partial('status = $2')).toEqual([]);
});

test('large tables in the order of a column get a summary of blocks', () => {
  expect(of('SELECT doc FROM t WHERE at > $1')).toContain('brin (at)');
  expect(of('SELECT doc FROM t WHERE a > $1').filter((each) => each.startsWith('brin'))).toEqual([]);
  const small = tableOf('t', columns, { pages: 500 });
  expect(of('SELECT doc FROM t WHERE at > $1', small).filter((each) => each.startsWith('brin'))).toEqual([]);
});

test('what exists is not advised again', () => {
  const having = (...indexes: ReturnType<typeof existing>[]) => tableOf('t', columns, { indexes });
  const query = 'SELECT doc FROM t WHERE a = $1';
  expect(of(query, having(existing('x', ['a'])))).toEqual([]);
  expect(of(query, having(existing('x', ['a', 'b'])))).toEqual([]);
  expect(of(query, having(existing('x', ['b', 'a'])))).toEqual(['(a)']);
  expect(of(query, having(existing('x', ['a'], { valid: false })))).toEqual(['(a)']);
  expect(of(query, having(existing('x', ['a'], { where: 'b = 1' })))).toEqual(['(a)']);
  expect(of(query, having(existing('x', ['a'], { method: 'hash' })))).toEqual(['(a)']);
  const ordered = 'SELECT doc FROM t ORDER BY at DESC LIMIT 1';
  expect(of(ordered, having(existing('x', ['at'])))).toEqual([]);
  expect(of(ordered, having(existing('x', ['at DESC'])))).toEqual([]);
  expect(of('SELECT doc FROM t WHERE lower(name) = $1', having(existing('x', ['lower(name)'])))).toEqual([]);
  expect(of('SELECT doc FROM t WHERE lower(name) = $1', having(existing('x', ['lower((name)::text)'])))).toEqual([]);
});

test('tables that cannot or need not have indexes get none', () => {
  const query = 'SELECT doc FROM t WHERE a = $1';
  expect(of(query, tableOf('t', columns, { pages: 5 }))).toEqual([]);
  expect(of(query, tableOf('t', columns, { kind: 'foreign' }))).toEqual([]);
  expect(of(query, tableOf('t', columns, { persistence: 't' }))).toEqual([]);
  expect(of(query, tableOf('t', columns, { kind: 'materialized view' }))).toEqual(['(a)']);
  const foreign = { oid: 9, parent: 1, schema: 'public', name: 'far', partitioned: false, foreign: true };
  expect(of(query, tableOf('t', columns, { kind: 'partitioned', partitions: [foreign] }))).toEqual([]);
});

test('columns without an order are no keys of a B-tree', () => {
  expect(of('SELECT id FROM t WHERE doc = $1 ORDER BY place')).toEqual([]);
});

test('the number of candidates is bounded, and what is given up is counted', () => {
  const model = modelOf(t, u);
  const statements = ['a', 'b', 'c', 'id'].map((column) => analysed(`SELECT doc FROM t WHERE ${column} = $1`, model));
  const { byId, givenUp } = candidatesOf(statements, model, { ...candidateLimits, perTable: 2 });
  expect(byId.size).toBe(2);
  expect(givenUp).toBe(2);
});

test('the same index has the same id, whoever asks for it', () => {
  const ids = (text: string) => {
    const model = modelOf(t, u);
    return [...candidatesOf([analysed(text, model)], model, candidateLimits).byId.keys()];
  };
  expect(ids('SELECT doc FROM t WHERE a = 1')).toEqual(ids('SELECT x.doc FROM public.t x WHERE $1 = x.a'));
});
