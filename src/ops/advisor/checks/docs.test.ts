import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checksDocs } from './docs.ts';
import { checks } from './index.ts';

test('docs/checks.md is what the checks say ("npm run docs" writes it)', () => {
  const written = readFileSync(new URL('../../../../docs/checks.md', import.meta.url), 'utf8');
  expect(written).toBe(checksDocs());
});

test('ids are stable names, each there once, and every check is described', () => {
  expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
  for (const { id, title, documentation } of checks) {
    expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(title.length).toBeGreaterThan(3);
    expect(documentation.length).toBeGreaterThan(100);
  }
});
