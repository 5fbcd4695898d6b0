import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readDumps } from '../../src/ops/backup/dump/dumps.ts';
import { mirror } from '../../src/ops/backup/mirror/mirror.ts';
import { mirrorPins } from '../../src/ops/backup/mirror/mirror-pins.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { pin, readPins, unpin } from '../../src/ops/backup/retention/pins.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { gapOf, positionOf, putBackupAt, putDumpAt, putSegments, segmentOf } from '../support/plain-backups.ts';

function places() {
  const folder = testFolder();
  const [first = '', second = ''] = ['first', 'second'].map((name) => join(folder, name));
  const open = (at: string): Repository => openRepository({ storage: localStorage(at) });
  const [from, to] = [open(first), open(second)];
  const dumpsIn = async (repository: Repository) => (await readDumps(repository)).map(({ id }) => id);
  return { folder, first, second, from, to, dumpsIn };
}

test('dumps are copied as they are stored, newer ones only, and none that is not what it was', async () => {
  const { first, second, from, to, dumpsIn } = places();
  const [one, two] = [await putDumpAt(from, 1), await putDumpAt(from, 2, { database: 'other' })];
  // Whose they are, the role of some dumps may not see: then there is no record of the repository.
  expect(await mirror({ from, to })).toMatchObject({ backups: [], dumps: [one.id, two.id] });
  expect(await readDumps(to)).toEqual(await readDumps(from));
  const fileOf = (place: string, { key }: { key: string }) => readFileSync(join(place, key));
  expect(fileOf(second, two.file)).toEqual(fileOf(first, two.file));
  expect(await mirror({ from, to })).toMatchObject({ dumps: [], bytes: 0 });
  // What was removed there does not come back by itself.
  const three = await putDumpAt(from, 3);
  rmSync(join(second, 'dumps', one.id), { recursive: true });
  expect(await mirror({ from, to })).toMatchObject({ dumps: [three.id] });
  expect(await dumpsIn(to)).toEqual([two.id, three.id]);

  const four = await putDumpAt(from, 4);
  const whole = fileOf(first, four.file);
  writeFileSync(join(first, four.file.key), Buffer.alloc(whole.length));
  const copy = (...names: string[]) => pitcrew(['backup', 'copy', ...names, '--repository', first, '--to', second]);
  expect(await copy()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${four.file.key} in ${first}: it was not copied.`),
  });
  expect(await dumpsIn(to)).toEqual([two.id, three.id]);
  writeFileSync(join(first, four.file.key), whole);
  // By name an old one comes back, and nothing else with it.
  expect(await copy(one.id)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${second}: ${one.id}; `) });
  expect(await dumpsIn(to)).toEqual([one.id, two.id, three.id]);
  expect(await copy('--all')).toMatchObject({ code: 0 });
  expect(await readDumps(to)).toEqual(await readDumps(from));
}, 60_000);

test('a pin holds in the copy, and goes with the one that it was copied from; one that was made there stays', async () => {
  const { from, to, first } = places();
  const [a, b, c] = [await putBackupAt(from, 1), await putBackupAt(from, 2), await putBackupAt(from, 3)];
  await pin(from, a.id, { reason: 'before the migration' });
  expect(await mirror({ from, to })).toMatchObject({ backups: [a.id, b.id, c.id], pins: 1 });
  expect((await readPins(to)).get(a.id)).toMatchObject({ reason: 'before the migration', copiedFrom: first });
  expect(await mirror({ from, to })).toMatchObject({ pins: 0 });

  // Changed at the source; and made in the target, for longer and for less long than there.
  await pin(from, a.id, { until: new Date('2030-01-01') });
  for (const { id } of [b, c]) await pin(from, id, { until: new Date('2030-01-01') });
  await pin(to, b.id, { reason: 'an own one' });
  await pin(to, c.id, { until: new Date('2029-01-01') });
  await mirrorPins(from, to);
  const held = await readPins(to);
  expect([a, b, c].map(({ id }) => held.get(id)?.until)).toEqual([
    new Date('2030-01-01'),
    null,
    new Date('2030-01-01'),
  ]);
  for (const { id } of [a, b, c]) await unpin(from, id);
  expect(await mirrorPins(from, to)).toBe(1);
  expect([...(await readPins(to)).keys()]).toEqual([b.id, c.id]);

  // A source that was lost, with its pins, has unpinned nothing.
  await pin(from, a.id);
  await mirrorPins(from, to);
  await from.remove(a.id);
  expect(await mirrorPins(from, to)).toBe(0);
  expect((await readPins(to)).has(a.id)).toBe(true);
});

test('what is known of lost log is copied, as far as the copy lacks it too', async () => {
  const { from, to } = places();
  await putBackupAt(from, 1);
  await putSegments(from, [2, 3, 8]);
  await from.putGap(gapOf(4, 7));
  await putSegments(to, [6]);
  expect(await mirror({ from, to })).toMatchObject({ gaps: 2 });
  const reason = 'the slot was dropped';
  expect(await to.gaps()).toMatchObject([
    { first: segmentOf(4), last: segmentOf(5), segments: 2, fromLsn: positionOf(4), toLsn: positionOf(6), reason },
    { first: segmentOf(7), last: segmentOf(7), segments: 1, reason },
  ]);
  expect(await mirror({ from, to })).toMatchObject({ gaps: 0 });
  // Of log from before all that it has, nothing is said.
  const other = places();
  await putBackupAt(from, 8);
  expect(await mirror({ from, to: other.to, backups: (await from.backups()).slice(-1) })).toMatchObject({ gaps: 0 });
  expect(await other.to.gaps()).toEqual([]);
});

test('pin and unpin act on all repositories of the config file that have the backup', async () => {
  const { folder, first, second, from, to } = places();
  const backup = await putBackupAt(from, 1);
  await mirror({ from, to });
  const config = join(folder, 'pitcrew.config.json');
  const repositories = [{ location: first }, { location: second }];
  writeFileSync(
    config,
    JSON.stringify({ databases: { shop: 'postgres://nowhere/shop' }, backups: { shop: { repositories } } }),
  );
  const run = (...args: string[]) => pitcrew(['backup', ...args, '--config', config]);
  expect(await run('pin', 'latest', '--reason', 'the audit')).toMatchObject({ code: 0 });
  expect((await readPins(to)).get(backup.id)).toMatchObject({ reason: 'the audit', copiedFrom: first });
  // One that cannot be written to is told.
  writeFileSync(join(second, 'pins', 'unreadable.json'), '{');
  expect(await run('unpin', 'latest')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`Pins are not the same in ${second} yet`),
  });
  rmSync(join(second, 'pins', 'unreadable.json'));
  expect(await mirrorPins(from, to)).toBe(1);
  expect((await readPins(to)).size).toBe(0);
}, 60_000);
