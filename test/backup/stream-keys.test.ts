import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { drill } from '../../src/ops/backup/drill/drill.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { session } from '../support/catalog.ts';
import { pitcrew, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { running } from '../support/log-stream.ts';
import { scratchServer } from '../support/postgres.ts';
import { collected } from '../support/streams.ts';

test('an encrypted stream can be restored to its last second; one without the key says so, and leaves one part of a segment', async () => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(18, { full_page_writes: 'on' });
  await using client = await session(server.url());
  await client.query('CREATE TABLE ledger (id int)');
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const location = join(folder.path, 'repository');
  const repository = openRepository({
    storage: localStorage(location),
    recipients: [recipient],
    identities: [identity],
  });
  const inLog = async (): Promise<string[]> => (await collected(repository.wal())).map(({ key }) => key);
  const parts = async (): Promise<string[]> => (await inLog()).filter((key) => key.includes('.partial'));
  const backup = await createBackup({ url: server.url(), repository, madeBy: 'a test' });

  const streaming = [
    'backup',
    'stream',
    '--database',
    server.url(),
    '--repository',
    location,
    '--slot',
    'pitcrew_keys',
  ];
  const env = { PITCREW_DATA_DIR: folder.path };
  const stream = startPitcrew([...streaming, '--recipient', recipient, '--json', '--partial-every', '0.2'], { env });
  await stream.saw(/"connected"/);
  await client.query('INSERT INTO ledger VALUES (1)');
  await client.query('SELECT pg_switch_wal()');
  await client.query('INSERT INTO ledger VALUES (2)');
  const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
  await stream.saw(new RegExp(`"stored".*"lsn":"${rows[0]?.lsn ?? ''}"`));
  stream.child.kill('SIGKILL');
  await stream.ended;
  expect((await inLog()).filter((key) => !key.endsWith('.zst.age'))).toEqual([]);
  expect(await parts()).toHaveLength(1);
  const scratch = join(folder.path, 'scratch');
  mkdirSync(scratch, { mode: 0o711 });
  const ownChecks = [{ sql: 'SELECT count(*) = 2 FROM ledger' }];
  const { record } = await drill({ repository, backup, in: scratch, ownChecks });
  expect(record).toMatchObject({ problems: [], proven: true, passed: 1 });

  await client.query('INSERT INTO ledger VALUES (3)');
  const plain = await pitcrew([...streaming, '--once'], { env });
  expect(plain).toMatchObject({ code: 0 });
  expect(plain.stderr).toContain('the latest backup there is encrypted, and the log from now on is not');
  // Its part is the one that a recovery takes, and not the earlier one that was encrypted.
  expect(await parts()).toEqual([expect.stringMatching(/\.partial\.zst$/)]);
  await client.query('INSERT INTO ledger VALUES (4)');
  await using again = running({
    url: server.url(),
    repositories: [repository],
    slot: 'pitcrew_keys',
    spoolDir: folder.path,
    once: true,
  });
  await again.stream.ended;
  expect(again.events.map(({ type }) => type)).not.toContain('unencrypted');
  expect(await parts()).toEqual([expect.stringMatching(/\.partial\.zst\.age$/)]);
}, 120_000);
