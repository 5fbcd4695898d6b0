import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { restoreBackup } from '../../../src/ops/backup/restore/restore-backup.ts';
import { backedUp, type BackedUp } from '../../support/backup-chain.ts';
import { startNode } from '../../support/command.ts';
import type { KilledPlacing } from '../../support/placing-killed-child.ts';

const stack = new AsyncDisposableStack();
let it: BackedUp;

beforeAll(async () => {
  it = stack.use(await backedUp());
  await it.backUp('full');
  await it.server.stop('immediate');
}, 120_000);
afterAll(() => stack.disposeAsync());

/** Where a test restores to: the data directory and the tablespace. */
interface Places {
  to: string;
  elsewhere: string;
}

function placesIn(name: string): Places {
  const folder = join(it.folder, name);
  mkdirSync(folder);
  return { to: join(folder, 'data'), elsewhere: join(folder, 'space') };
}

async function killed({ to, elsewhere }: Places, ...steps: string[]): Promise<void> {
  const job: KilledPlacing = {
    path: it.path,
    identity: it.identity,
    to,
    tablespaceMap: { [it.place]: elsewhere },
    steps,
  };
  const running = startNode([join(import.meta.dirname, '../../support/placing-killed-child.ts'), JSON.stringify(job)]);
  expect(await running.ended, steps.join()).toMatchObject({ stderr: '' });
  expect(running.child.signalCode, steps.join()).toBe('SIGKILL');
}

async function restore({ to, elsewhere }: Places): Promise<unknown> {
  const [backup] = await it.repository.backups();
  if (!backup) throw new Error('there is no backup');
  const tablespaceMap = new Map([[it.place, elsewhere]]);
  return restoreBackup({ repository: it.repository, backup, to, tablespaceMap, restoreCommand: ['false'] });
}

/** It is there, and nothing is left of those that were killed. */
function expectWhole({ to, elsewhere }: Places, beside: string[] = ['data', 'space']): void {
  const names = readdirSync(to);
  expect(names).toEqual(expect.arrayContaining(['PG_VERSION', 'backup_label', 'global']));
  expect(existsSync(join(to, 'global', 'pg_control'))).toBe(true);
  expect(names.filter((name) => name.startsWith('.'))).toEqual([]);
  expect(readdirSync(elsewhere)).toEqual([expect.stringMatching(/^PG_18_/)]);
  expect(readdirSync(join(to, '..')).toSorted()).toEqual(beside);
}

test('a restore that is killed at any step of placing is cleared away by the next one', async () => {
  const places = placesIn('each step');
  for (const step of ['after rename .*restoring.* to .*space$', 'before rename .*restoring.* to .*data$']) {
    await killed(places, step);
    expect(existsSync(places.to), step).toBe(false);
  }
  expect(readdirSync(places.elsewhere)).toContain('.pitcrew-restoring');
  // One that is killed as it clears away, too.
  await killed(places, 'before rm .*pitcrew-restoring$');
  await killed(places, 'before rename .*restoring.* to .*data$');
  await killed(places, 'after rm .*space/\\.pitcrew-restoring$', 'after rm .*\\.data\\.restoring');
  await restore(places);
  expectWhole(places);
}, 120_000);

test('what stands already is not touched, and with it what a killed restore has left does no harm', async () => {
  const places = placesIn('standing');
  await killed(places, 'after rename .*restoring.* to .*data$');
  expect(readdirSync(places.elsewhere)).toContain('.pitcrew-restoring');
  // Wherever it has been moved.
  renameSync(places.to, `${places.to} moved`);
  await expect(restore(places)).rejects.toMatchObject({
    code: 'E_DATA_DIR',
    message: `${places.elsewhere} is not empty`,
  });
  expect(readdirSync(places.elsewhere)).toEqual(
    expect.arrayContaining(['.pitcrew-restoring', expect.stringMatching(/^PG_18_/)]),
  );
  // A mark without anything is nothing.
  for (const name of readdirSync(places.elsewhere).filter((each) => each.startsWith('PG_')))
    rmSync(join(places.elsewhere, name), { recursive: true });
  await restore(places);
  expectWhole(places, ['data', 'data moved', 'space']);
}, 120_000);

test('only what was restored is cleared away, and only as long as nobody has used it', async () => {
  const places = placesIn('used');
  await killed(places, 'before rename .*restoring.* to .*data$');
  writeFileSync(join(places.elsewhere, 'notes'), 'mine');
  const refused = { code: 'E_DATA_DIR', message: `${places.elsewhere} is not empty` };
  await expect(restore(places)).rejects.toMatchObject(refused);
  const inside = readdirSync(places.elsewhere);
  expect(inside).toEqual(expect.arrayContaining(['notes', expect.stringMatching(/^PG_18_/)]));
  rmSync(join(places.elsewhere, 'notes'));
  const folder = join(places.to, '..');
  const staging = join(folder, readdirSync(folder).find((name) => name.includes('restoring')) ?? '');
  // Somebody has started a server where it was filled.
  writeFileSync(join(staging, 'postmaster.opts'), '');
  await expect(restore(places)).rejects.toMatchObject(refused);
  rmSync(join(staging, 'postmaster.opts'));
  // Somebody else has the same number, or it was another machine's: nothing is known of that one.
  const [, host = '', , , random = ''] = /restoring-(\w+)-(\d+)-(\w+)-(\w+)$/.exec(staging) ?? [];
  const reused = join(folder, `.data.restoring-${host}-${process.pid}-0123abcd-${random}`);
  cpSync(staging, reused, { recursive: true });
  const other = join(folder, `.data.restoring-0123abcd-99999999-00000000-${random}`);
  mkdirSync(other);
  await restore(places);
  expectWhole(places, [other.slice(folder.length + 1), 'data', 'space']);
}, 120_000);

test.skipIf(process.getuid?.() !== 0)(
  'in a mount point, too (only root may mount one)',
  async () => {
    const folder = join(it.folder, 'mounted');
    const places = { to: join(folder, 'data'), elsewhere: join(folder, 'space') };
    for (const path of Object.values(places)) {
      mkdirSync(path, { recursive: true });
      // The tablespace is on the same device as the folder above it.
      if (path === places.elsewhere) execFileSync('mount', ['--bind', path, path]);
      else execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300m', 'tmpfs', path]);
    }
    try {
      await killed(places, 'after rename .* to .*space/PG_18');
      await killed(places, 'before rename .* to .*data/global$');
      expect(existsSync(join(places.to, 'PG_VERSION'))).toBe(true);
      await killed(places, 'after rm .*data/base$');
      await killed(places, 'after rename .* to .*data/global$');
      // That one is complete.
      const version = readFileSync(join(places.to, 'PG_VERSION'), 'utf8');
      await expect(restore(places)).rejects.toMatchObject({ code: 'E_DATA_DIR' });
      expect(readFileSync(join(places.to, 'PG_VERSION'), 'utf8')).toBe(version);
      for (const path of Object.values(places)) {
        for (const name of readdirSync(path)) if (!name.startsWith('.')) rmSync(join(path, name), { recursive: true });
      }
      await restore(places);
      expectWhole(places);
    } finally {
      for (const path of Object.values(places)) execFileSync('umount', [path]);
    }
  },
  120_000,
);
