import { expect, test } from 'vitest';
import type { BackupRecord } from '../../ops/backup/index.ts';
import { backupList } from './backup-list.ts';

function backup(id: string, parent: string | null): BackupRecord {
  const at = new Date('2026-11-30T01:45:00Z');
  return {
    format: 1,
    id,
    type: parent === null ? 'full' : 'incremental',
    parent,
    systemId: '1',
    serverVersion: 180_000,
    segmentBytes: 16_777_216,
    blockBytes: 8192,
    timeline: 1,
    startLsn: 0n,
    endLsn: 1n,
    startedAt: at,
    endedAt: new Date(at.getTime() + 90_000),
    label: '',
    tablespaces: [],
    files: [{ name: 'base.tar', key: 'a', bytes: 4096, storedBytes: 1024, sha256: '' }],
    warnings: [],
    recipients: [],
    madeBy: 'a test',
  };
}

const backups = [backup('one', null), backup('two', 'one'), backup('other', null), backup('three', 'two')];
const pins = new Map([['two', { format: 1 as const, id: 'two', pinnedAt: new Date(), until: null, reason: null }]]);

test('chains stand together', () => {
  expect(backupList('here', backups, { pins })).toBe(
    [
      'Backup   Type         Usable from                 Took     Size   Stored  Encrypted  Pinned',
      'one      full         2026-11-30 01:46 UTC  1 min 30 s  4.0 KiB  1.0 KiB  no',
      '├ two    incremental  2026-11-30 01:46 UTC  1 min 30 s  4.0 KiB  1.0 KiB  no         yes',
      '└ three  incremental  2026-11-30 01:46 UTC  1 min 30 s  4.0 KiB  1.0 KiB  no',
      'other    full         2026-11-30 01:46 UTC  1 min 30 s  4.0 KiB  1.0 KiB  no',
    ].join('\n'),
  );
});

test.each([
  [75, 'Backup   Usable from           Took          Size   Stored   Pinned'],
  [50, 'Backup   Usable from           Stored   Pinned'],
  [30, 'Backup   Usable from'],
  [10, 'Backup   Usable from'],
])('in %i columns what is less important is left out', (width, heading) => {
  const [first] = backupList('here', backups, { pins, width }).split('\n');
  expect(first?.replaceAll(/ +/g, ' ')).toBe(heading.replaceAll(/ +/g, ' '));
});

test('nothing is told as such', () => {
  expect(backupList('here', [], { pins: new Map() })).toBe('No complete backup is in here.');
});
