import { expect, test } from 'vitest';
import { isOwnStatement, marked } from './marker.ts';

test.each([
  'SELECT 1',
  '\n  SELECT 1\n',
  '-- why\nSELECT 1',
  '\n  -- why\n  -- and more\n  SELECT 1',
  'SELECT /* pitcrew */ 1',
])('marked once and known again: %j', (sql) => {
  expect(marked(sql)).toBe('SELECT /* pitcrew */ 1');
  expect(isOwnStatement(marked(sql))).toBe(true);
});

test('what others say is not taken for our own', () => {
  expect(isOwnStatement('SELECT 1 /* pitcrew */')).toBe(false);
  expect(isOwnStatement("SELECT '/* pitcrew */'")).toBe(false);
});
