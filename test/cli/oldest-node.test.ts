import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { testDatabase } from '../support/postgres.ts';

/** What Node.js 24 has and 22.18, the oldest that package.json allows, does not. */
const newer = [
  ['globalThis', 'AsyncDisposableStack', 'DisposableStack', 'SuppressedError', 'Float16Array', 'URLPattern'],
  ['Promise', 'try'],
  ['RegExp', 'escape'],
  ['Error', 'isError'],
  ['Math', 'f16round'],
  ['Intl', 'DurationFormat'],
  ['Atomics', 'pause'],
];
const deletions = newer.flatMap(([owner, ...names]) => names.map((name) => `delete ${owner}.${name};`)).join('');
const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(deletions)}` };

test('these are the differences to the oldest Node.js that is promised', () => {
  const { engines } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
    engines: { node: string };
  };
  expect(engines.node).toBe('>=22.18');
});

test('doctor and serve do without what the oldest Node.js lacks', async () => {
  await using database = await testDatabase();
  await database.query('CREATE EXTENSION pg_stat_statements');
  const url = database.url;
  expect(await pitcrew(['doctor', '--database', url], { env })).toMatchObject({ code: 0, stderr: '' });
  const serving = startPitcrew(['serve', '--database', url, '--store', url, '--port', '0'], { env });
  const [address = ''] = await serving.saw(/http:\/\/127\.0\.0\.1:\d+/);
  const health = await fetch(`${address}/api/v1/database/performance/health`);
  expect(health.status).toBe(200);
  serving.child.kill('SIGTERM');
  expect((await serving.ended).code).toBe(0);
});
