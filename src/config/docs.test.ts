import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { configurationDocs } from './docs.ts';
import { settings } from './settings.ts';

test('docs/configuration.md is what the definition says ("npm run docs" writes it)', () => {
  const written = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  expect(written).toBe(configurationDocs());
});

test('every setting is described', () => {
  expect(settings.filter(({ description }) => description === '')).toEqual([]);
});
