import { expect, test } from 'vitest';
import { splitStatements } from './split.ts';

test('semicolons end statements only where the grammar has them end', () => {
  const pieces = splitStatements(`
    -- first; still first
    SELECT ';', "a;b", $$c;d$$, E'\\';' /* e; /* f; */ g; */ FROM t;;
    CREATE RULE r AS ON INSERT TO t DO (DELETE FROM u; DELETE FROM v);
    CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;
    SELECT 3 -- the end`);
  expect(pieces.map(({ text }) => text.slice(0, 15))).toEqual([
    "SELECT ';', \"a;",
    'CREATE RULE r A',
    'CREATE FUNCTION',
    'SELECT 3 -- the',
  ]);
  expect(pieces[0]?.before).toContain('-- first; still first');
  expect(pieces[2]?.text.endsWith('SELECT 2; END')).toBe(true);
});

test.each(['', ' ; ; ', '-- nothing', '/* open'])('%j has no statement', (text) => {
  expect(splitStatements(text)).toEqual([]);
});

test.each(["SELECT 'open; SELECT 2", 'SELECT (1; SELECT 2', 'SELECT $a$ ; $b$'])(
  '%j is one, though cut off',
  (text) => {
    expect(splitStatements(text).map((piece) => piece.text)).toEqual([text]);
  },
);
