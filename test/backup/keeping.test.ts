import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { type BackupRecord, openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { noonZone } from '../support/noon-zone.ts';
import { collected } from '../support/streams.ts';

const stack = new AsyncDisposableStack();
let folder: string;
let repository: Repository;
let url: string;
let client: pg.Client;
/** Oldest first. */
let made: BackupRecord[];

beforeAll(async () => {
  folder = join(stack.use(temporaryFolder()).path, 'repository');
  const server = stack.use(await backupServer());
  url = server.url();
  repository = openRepository({ storage: localStorage(folder) });
  client = stack.use(await session(url));
  made = [];
  for (let n = 0; n < 3; n += 1) {
    made.push(await createBackup({ url, repository, madeBy: 'a test' }));
    await client.query('SELECT pg_switch_wal()');
  }
});
afterAll(() => stack.disposeAsync());

const segmentsOf = ({ timeline, startLsn, endLsn, segmentBytes }: BackupRecord): string[] =>
  segmentNames(timeline, startLsn, endLsn, segmentBytes);

describe('prune', () => {
  const prune = (...flags: string[]) => command(['backup', 'prune', '--repository', folder, '--json', ...flags]);
  const stored = async () => (await collected(repository.storage.list(''))).map(({ key }) => key);

  test('shows what goes, asks, removes it with its log, and what killed backups have left', async () => {
    const { rows } = await client.query<{ name: string }>(`
      SELECT pg_walfile_name(pg_logical_emit_message(true, 'a', 'b') + 1) AS name`);
    const segment = `wal/00000001/${rows[0]?.name}.zst`;
    const running = startPitcrew(['backup', 'create', '--repository', folder, '--database', url, '--max-rate', '0.05']);
    await running.saw(/Copying/);
    // What had been written before it began.
    await expect.poll(stored).toEqual(expect.arrayContaining([segment, `${segment}.sha256`]));
    const before = await stored();
    const started = before.find((key) => key.endsWith('started.json')) ?? '';
    const ids = made.map(({ id }) => id).toReversed();
    const shown = await prune(
      '--keep-daily',
      '0',
      '--keep-weekly',
      '0',
      '--keep-monthly',
      '0',
      '--keep-yearly',
      '0',
      '--dry-run',
    );
    expect(shown.code).toBe(0);
    const [newest = '', ...others] = ids;
    expect(JSON.parse(shown.stdout)).toMatchObject({
      done: false,
      backups: [
        { id: newest, keep: true, reasons: ['the latest'] },
        ...others.map((id) => ({ id, keep: false, reasons: ['no day, week, month or year wants it'] })),
      ],
      // One that is being made is no leftover.
      leftovers: [],
    });
    expect(await stored()).toEqual(before);
    // By default the day has room for one of them as well.
    expect(JSON.parse((await prune('--dry-run', '--time-zone', noonZone())).stdout)).toMatchObject({
      backups: [{ keep: true }, { keep: false }, { keep: false }],
    });
    const asked = await prune();
    expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('Give --yes') });
    expect(await stored()).toEqual(before);

    running.child.kill('SIGKILL');
    await running.ended;
    const done = await prune('--yes');
    expect(done.code).toBe(0);
    const [, killed = ''] = started.split('/');
    expect(JSON.parse(done.stdout)).toMatchObject({ done: true, leftovers: [killed] });
    const after = await stored();
    expect(after.filter((key) => key.startsWith('backups/') && !key.includes(newest))).toEqual([]);
    const first = made.at(-1) ? segmentsOf(made.at(-1) as BackupRecord)[0] : undefined;
    const kept = after.flatMap((key) => /([0-9A-F]{24})\.zst$/.exec(key)?.[1] ?? []);
    expect(kept[0]).toBe(first);
    const checksums = after.flatMap((key) => /^(wal.*)\.sha256$/.exec(key)?.[1] ?? []);
    expect(checksums).toEqual(after.filter((key) => key.startsWith('wal/') && !key.endsWith('.sha256')));
    const verified = await command(['backup', 'verify', '--repository', folder, '--quiet']);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining('as it was stored') });
    expect(JSON.parse((await prune('--yes')).stdout)).toMatchObject({
      done: false,
      leftovers: [],
      segments: { count: 0 },
    });
  });

  test.each([
    ['--time-zone', 'Nowhere/Nothing'],
    ['--keep-daily', '-1'],
  ])('%s %s is refused', async (...flags) => {
    expect(await prune(...flags)).toMatchObject({ code: 2 });
  });
});
