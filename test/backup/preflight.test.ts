import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  asOneError,
  createBackup,
  planRestore,
  preflight,
  type RecoveryTarget,
  restoreBackup,
  type RestoreOptions,
  serverPrograms,
  unstoredLog,
} from '../../src/ops/backup/index.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentName } from '../../src/ops/backup/wal/segments.ts';
import { embeddedBinaries } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';

/** As a segment that is fetched, which nobody looks at. */
const fetchesZeros = ['sh', '-c', 'head -c 16777216 /dev/zero > "$2"', 'sh'];

/** A server with a tablespace, and a backup of it. */
async function backedUp() {
  const folder = temporaryFolder();
  const server = await backupServer(18, {}, { hasTemplate: true });
  const place = join(folder.path, 'a tablespace');
  mkdirSync(place);
  execFileSync('chown', [`--reference=${server.dataDir}`, place]);
  await using client = await session(server.url());
  await client.query(`CREATE TABLESPACE elsewhere LOCATION '${place}'`);
  await client.query('CREATE TABLE apart TABLESPACE elsewhere AS SELECT n FROM generate_series(1, 1000) n');
  const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
  const backup = await createBackup({ url: server.url(), repository, madeBy: 'a test' });
  const to = join(folder.path, 'restored');
  const other = join(folder.path, 'other');
  const tablespaceMap = new Map([[place, other]]);
  const obstacles = async (options: Partial<RestoreOptions> & { bytes?: number } = {}) => {
    const { plan, obstacles: known } = await planRestore({ repository, backup, to, tablespaceMap, ...options });
    if (plan.places[0] && options.bytes !== undefined) plan.places[0].bytes = options.bytes;
    const { delta = false, restoreCommand = fetchesZeros } = options;
    return [...known, ...(await preflight({ repository, plan, delta, restoreCommand, owner: undefined, known }))];
  };
  return {
    folder: folder.path,
    server,
    place,
    backup,
    to,
    other,
    repository,
    obstacles,
    /** What speaks against it, in short. */
    against: async (options?: Parameters<typeof obstacles>[0]) =>
      (await obstacles(options)).map(({ code, message }) => `${code} ${message}`),
    restore: (options: Partial<RestoreOptions> = {}) =>
      restoreBackup({ repository, backup, to, tablespaceMap, restoreCommand: ['false'], ...options }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('what would make a restore fail is told before, all at once', async () => {
  await using it = await backedUp();
  const { timeline, startLsn, endLsn, endedAt, segmentBytes } = it.backup;
  const target = (wanted: RecoveryTarget) => it.against({ target: wanted });
  expect(await it.against()).toEqual([]);
  expect(await target({ lsn: endLsn - 1n })).toEqual(['E_USAGE the target is before the end of the backup']);
  expect(await target({ time: new Date(endedAt.getTime() - 1000).toISOString() })).toEqual([
    'E_USAGE the target is before the end of the backup',
  ]);
  expect(await target({ lsn: endLsn + 0x1_0000_0000n })).toEqual([
    'E_NOT_FOUND the target is after the end of the log',
  ]);
  expect(await target({ time: '2099-01-01T00:00:00Z' })).toEqual([
    'E_NOT_FOUND the target is after the end of the log',
  ]);
  expect(await target({ timeline: 7 })).toEqual(['E_NOT_FOUND timeline 7 is not known']);
  expect(await it.against({ bytes: 1e18 })).toEqual([`E_DATA_DIR there is not enough room for ${it.to}`]);
  expect(await it.against({ tablespaceMap: new Map([[it.place, join(it.to, 'within')]]) })).toEqual([
    'E_USAGE two folders of the restore lie in each other',
  ]);
  expect(await it.against({ tablespaceMap: new Map() })).toEqual([`E_DATA_DIR ${it.place} is not empty`]);
  const failing = await it.obstacles({ restoreCommand: ['sh', '-c', 'echo no such key >&2; exit 2'] });
  expect(failing).toMatchObject([{ code: 'E_DATA_DIR', detail: 'no such key' }]);
  expect(await it.against({ restoreCommand: ['true'] })).toEqual(['E_DATA_DIR this user cannot fetch the log']);
  // Log that comes later, behind a gap.
  const segment = (after: number) => segmentName(timeline, endLsn + BigInt(after * segmentBytes), segmentBytes);
  const stored = (name: string) => join(it.folder, 'repository', 'wal', '00000001', `${name}.zst`);
  const first = segmentName(timeline, startLsn, segmentBytes);
  cpSync(stored(first), stored(segment(3)));
  const gap = await it.obstacles({ target: { lsn: endLsn + BigInt(3 * segmentBytes) } });
  expect(gap).toMatchObject([{ code: 'E_NOT_FOUND', message: 'log is missing between the backup and the target' }]);
  expect(gap[0]?.detail).toContain(`${segment(1)} to ${segment(2)} (2 segments)`);
  rmSync(stored(first));
  const several = await it.obstacles({ target: { time: '2020-01-01T00:00:00Z' }, bytes: 1e18 });
  expect(several.map(({ code }) => code)).toEqual(['E_USAGE', 'E_BACKUP_DAMAGED', 'E_DATA_DIR']);
  expect(several[1]?.detail).toContain(first);
  expect(asOneError(several)).toMatchObject({ message: '3 things speak against this restore', exitCode: 2 });
  expect(existsSync(it.to) || existsSync(it.other)).toBe(false);
});

test('a data directory is changed only when it is of the same cluster and nobody works in it', async () => {
  await using it = await backedUp();
  const delta = (to: string) => it.against({ delta: true, to, tablespaceMap: new Map() });
  const { dataDir } = it.server;
  expect(await delta(dataDir)).toEqual([`E_UNSAFE a server is running in ${dataDir}`]);
  await expect(it.restore({ delta: true, to: dataDir })).rejects.toMatchObject({ code: 'E_UNSAFE' });
  // The segment that is being written is in no repository, and those that are kept for later are none.
  await using client = await session(it.server.url());
  await client.query('CREATE TABLE later AS SELECT 1 AS n');
  await client.query('CHECKPOINT');
  const { rows } = await client.query('SELECT pg_walfile_name(pg_current_wal_lsn()) AS name');
  expect(await unstoredLog(it.repository, dataDir, it.backup.segmentBytes)).toEqual([rows[0]?.['name']]);
  const foreign = join(it.folder, 'foreign');
  mkdirSync(join(foreign, 'global'), { recursive: true });
  writeFileSync(join(foreign, 'notes.txt'), 'mine');
  expect(await delta(foreign)).toEqual([`E_DATA_DIR ${foreign} is no data directory of PostgreSQL`]);
  const control = readFileSync(join(dataDir, 'global', 'pg_control'));
  control.writeBigUInt64LE(42n, 0);
  writeFileSync(join(foreign, 'global', 'pg_control'), control);
  // Nor is the place of a tablespace its own, to which no link of it leads.
  expect(await delta(foreign)).toEqual([
    `E_UNSAFE ${foreign} is of another cluster`,
    `E_UNSAFE ${it.place} is not a tablespace of ${foreign}`,
  ]);
  await expect(it.restore({ delta: true, to: foreign })).rejects.toMatchObject({ code: 'E_UNSAFE' });
  expect(readFileSync(join(foreign, 'notes.txt'), 'utf8')).toBe('mine');
});

test('a restore that is stopped leaves nothing, and one that was killed is cleared away', async () => {
  await using it = await backedUp();
  // A place that is there and empty stays as it was.
  mkdirSync(it.other, { mode: 0o750 });
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  const left = join(it.folder, `.restored.restoring-${host}-99999999-00000000-0123abcd`);
  mkdirSync(left);
  const stop = new AbortController();
  const stopped = it.restore({ signal: stop.signal, onProgress: () => stop.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'E_ABORTED', exitCode: 130 });
  const names = (path: string) => readdirSync(path).toSorted();
  expect(names(it.folder)).toEqual(['a tablespace', 'other', 'repository']);
  expect(names(it.other)).toEqual([]);
  await it.restore();
  expect(names(it.folder)).toEqual(['a tablespace', 'other', 'repository', 'restored']);
  expect(names(it.other)).toEqual([expect.stringMatching(/^PG_18_/)]);
  expect(readFileSync(join(it.to, 'tablespace_map'), 'utf8')).toContain(it.other);
  // It was never started, and its tablespace is known to be its own all the same.
  expect(await it.restore({ delta: true })).toMatchObject({
    kept: { files: expect.toSatisfy((files) => files > 500) },
  });
});

test('only the right PostgreSQL is started', async () => {
  const { binDir } = embeddedBinaries();
  const identity = undefined;
  await expect(serverPrograms({ major: 18, binDir, identity })).resolves.toMatchObject({ version: { major: 18 } });
  await expect(serverPrograms({ major: 17, binDir, identity })).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    message: 'there is no PostgreSQL 17 to start',
  });
});
