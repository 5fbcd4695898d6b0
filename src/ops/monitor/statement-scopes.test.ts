import { expect, test } from 'vitest';
import { statementScopes } from './index.ts';

const scopesOf = (databases: Record<string, string>) =>
  Object.fromEntries(Object.entries(statementScopes(databases)).map(([name, { scope }]) => [name, scope]));

const everything = { except: [] };
const own = { databases: 'own' };

test('one target reads the statements of the whole server', () => {
  expect(scopesOf({ shop: 'postgres://a:b@db.internal:5433/shop' })).toEqual({ shop: everything });
  expect(scopesOf({})).toEqual({});
});

test('of several on one server the first reads what no other names, the others their own', () => {
  const databases = {
    shop: 'postgres://a:b@db.internal/shop',
    stock: 'postgresql://c@DB.internal:5432/stock?sslmode=require',
    elsewhere: 'postgres://a@db.internal:5433/shop',
    report: 'postgres://a@db.internal/stock%20report',
  };
  expect(scopesOf(databases)).toEqual({
    shop: { except: ['stock', 'stock report'] },
    stock: own,
    elsewhere: everything,
    report: own,
  });
});

test('a database that is watched twice is read whole by both', () => {
  expect(scopesOf({ one: 'postgres://a@h/shop', two: 'postgres://b@h/shop' })).toEqual({
    one: everything,
    two: own,
  });
});

test('the database is named after the user when the URL names none', () => {
  expect(scopesOf({ one: 'postgres://a@h/shop', two: 'postgres://app@h' })['one']).toEqual({ except: ['app'] });
});

test.each([
  ['names of loopback', 'postgres://a@localhost/x', 'postgres://a@127.0.0.1/y', true],
  ['loopback in both families', 'postgres://a@[::1]/x', 'postgres://a@127.0.0.1:5432/y', true],
  ['no host', 'postgres:///x', 'postgres://localhost/y', true],
  ['one list of hosts', 'postgres:///x?host=a,b', 'postgres:///y?host=A,B', true],
  ['different lists of hosts', 'postgres:///x?host=a,b', 'postgres:///y?host=b,a', false],
  ['one socket', 'postgres:///x?host=/run/pg', 'postgres:///y?host=%2Frun%2Fpg', true],
  ['sockets of two ports', 'postgres:///x?host=/run/pg', 'postgres:///y?host=/run/pg&port=5433', false],
  ['a socket and an address', 'postgres:///x?host=/run/pg', 'postgres://localhost/y', false],
  ['two ports', 'postgres://a@h:5432/x', 'postgres://a@h:5433/y', false],
  ['no URL at all', 'x', 'y', false],
])('%s: %s and %s are on one server: %s', (_, first, second, together) => {
  const scopes = scopesOf({ first, second });
  expect(scopes['second']).toEqual(together ? own : everything);
  expect(scopes['first']).toEqual(together ? { except: ['y'] } : everything);
});

test('says how many read the statements of one server', () => {
  const readers = statementScopes({ a: 'postgres://h/a', b: 'postgres://h/b', c: 'postgres://other/c' });
  expect(Object.values(readers).map((target) => target.readers)).toEqual([2, 2, 1]);
});
