import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { describe, expect, test } from 'vitest';
import { createDump } from '../../src/ops/backup/dump/create-dump.ts';
import { findClient } from '../../src/ops/backup/dump/client.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { session } from '../support/catalog.ts';
import { command } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noonZone } from '../support/noon-zone.ts';
import { installedServers, scratchServer } from '../support/postgres.ts';

/** A server that a pg_dump of this machine can dump, the newest; or why there is none. */
const found = await findClient(150_000).then(
  (client) => ({ client, server: installedServers().find(({ major }) => major <= client.major) }),
  (error: Error) => error.message,
);
const missing =
  typeof found === 'string' ? found : found.server === undefined ? 'no server that it could dump is here' : undefined;
const title = `a logical backup${missing === undefined ? '' : ` (${missing})`}`;

describe.skipIf(missing !== undefined)(title, () => {
  test('is of chosen databases and tables, and comes back out for pg_restore', async () => {
    if (typeof found === 'string' || !found.server) throw new Error('skipped');
    await using folder = temporaryFolder();
    await using server = await scratchServer(found.server.major);
    await using client = await session(server.url());
    await client.query(`CREATE ROLE dumper SUPERUSER LOGIN PASSWORD 'se:cr/et %'`);
    await client.query('CREATE DATABASE "a shop=odd"');
    const url = new URL(server.url());
    url.username = 'dumper';
    url.password = encodeURIComponent('se:cr/et %');
    url.pathname = '/a shop=odd';
    await using shop = await session(url.href);
    await shop.query(`CREATE TABLE orders AS SELECT n, repeat('x', 500) AS pad FROM generate_series(1, 5000) n`);
    await shop.query('CREATE TABLE other AS SELECT 1 AS n');
    const identity = await generateX25519Identity();
    const keyFile = join(folder.path, 'key');
    writeFileSync(keyFile, `${identity}\n`, { mode: 0o600 });
    const repository = ['--repository', join(folder.path, 'repository')];
    const dump = (...flags: string[]) =>
      command(['backup', 'create', '--logical', '--database', url.href, ...repository, ...flags]);
    const made = await dump('--recipient', await identityToRecipient(identity), '--json');
    expect(made.stderr + made.stdout).not.toContain('se:cr');
    expect(made.code).toBe(0);
    const { dumps } = JSON.parse(made.stdout) as {
      dumps: { id: string; database: string; systemId: string; file: { bytes: number; storedBytes: number } }[];
    };
    expect(dumps).toMatchObject([{ database: 'a shop=odd', tables: [], systemId: expect.stringMatching(/^\d+$/) }]);
    expect(dumps[0]?.file.bytes).toBeGreaterThan((dumps[0]?.file.storedBytes ?? 0) * 10);
    const of = await dump('--table', 'ord*', '--dump-database', 'a shop=odd', '--json');
    expect(of).toMatchObject({ code: 0 });
    const part = (JSON.parse(of.stdout) as { dumps: { id: string }[] }).dumps[0]?.id ?? '';
    const listed = (await command(['backup', 'list', ...repository])).stdout;
    expect(listed).toMatch(new RegExp(`^${part} +a shop=odd +ord\\* .* no$`, 'm'));
    const pgRestore = join(found.client.path, '..', 'pg_restore');
    const fetched = async (id: string): Promise<string> => {
      const to = join(folder.path, `${id}.dump`);
      const fetch = () => command(['backup', 'fetch', id, '--to', to, '--identity', keyFile, ...repository]);
      expect(await fetch()).toMatchObject({ code: 0 });
      expect(await fetch()).toMatchObject({ code: 4, stderr: expect.stringContaining('already') });
      return to;
    };
    const list = (file: string) => execFileSync(pgRestore, ['--list', file], { encoding: 'utf8' });
    const whole = await fetched(dumps[0]?.id ?? '');
    expect(list(whole)).toMatch(/TABLE DATA public orders[^]*TABLE DATA public other/);
    expect(list(await fetched(part))).not.toContain('public other');
    await client.query('CREATE DATABASE copy');
    execFileSync(pgRestore, ['--no-owner', '--dbname', server.url().replace(/\/[^/]*$/, '/copy'), whole]);
    await using copy = await session(server.url().replace(/\/[^/]*$/, '/copy'));
    expect((await copy.query('SELECT count(*)::int AS count FROM orders')).rows).toEqual([{ count: 5000 }]);
    expect(readdirSync(folder.path).filter((name) => name.endsWith('.part'))).toEqual([]);

    // What fails is told, and nothing is left of it.
    const before = readdirSync(join(folder.path, 'repository', 'dumps'));
    const wrong = await dump('--table', 'no_such_table');
    expect(wrong).toMatchObject({ code: 3, stderr: expect.stringContaining('no matching tables were found') });
    const stop = new AbortController();
    const stopped = createDump({
      url: url.href,
      repository: openRepository({ storage: localStorage(join(folder.path, 'repository')) }),
      madeBy: 'a test',
      signal: stop.signal,
      onBytes: () => stop.abort(),
    });
    await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(readdirSync(join(folder.path, 'repository', 'dumps'))).toEqual(before);
    expect(readdirSync(join(folder.path, 'repository', '.unfinished'))).toEqual([]);

    // Of each database and choice of tables the latest stays.
    await dump('--quiet');
    const pruned = await command([
      'backup',
      'prune',
      '--json',
      '--yes',
      '--keep-weekly',
      '0',
      '--time-zone',
      noonZone(),
      ...repository,
    ]);
    const { dumps: decided } = JSON.parse(pruned.stdout) as { dumps: { id: string; keep: boolean }[] };
    expect(decided.filter(({ keep }) => !keep).map(({ id }) => id)).toEqual([dumps[0]?.id]);
    expect(readdirSync(join(folder.path, 'repository', 'dumps'))).toHaveLength(2);
  });
});

test('a server that is newer than pg_dump is refused', async () => {
  await expect(findClient(990_000)).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    message: 'there is no pg_dump of PostgreSQL 99 or newer on this machine',
    hint: expect.stringContaining('postgresql-client-99'),
  });
});

test('flags of logical backups are of logical backups', async () => {
  await using folder = temporaryFolder();
  const to = join(folder.path, 'repository');
  const url = 'postgres://127.0.0.1:1/postgres';
  const ran = await command(['backup', 'create', '--database', url, '--repository', to, '--table', 't']);
  expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('Give --logical as well') });
  expect(existsSync(to)).toBe(false);
});
