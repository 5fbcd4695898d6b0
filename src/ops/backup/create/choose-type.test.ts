import { expect, test } from 'vitest';
import type { BackupRecord } from '../repository/index.ts';
import { chooseType, type Situation } from './choose-type.ts';

const megabyte = 1024 ** 2;

function backup(id: string, parent: string | null, bytes: number): BackupRecord {
  const at = new Date('2026-11-30T01:45:00Z');
  return {
    format: 1,
    id,
    type: parent === null ? 'full' : 'incremental',
    parent,
    systemId: '1',
    serverVersion: 180_000,
    segmentBytes: 16 * megabyte,
    blockBytes: 8192,
    timeline: 1,
    startLsn: 0n,
    endLsn: 1n,
    startedAt: at,
    endedAt: at,
    label: '',
    tablespaces: [],
    files: [
      { name: 'base.tar', key: 'a', bytes, storedBytes: 1, sha256: '' },
      { name: 'backup_manifest', key: 'b', bytes: 99 * megabyte, storedBytes: 1, sha256: '' },
    ],
    warnings: [],
    recipients: [],
    madeBy: 'a test',
  };
}

const chain = [backup('A', null, 1000 * megabyte), backup('B', 'A', 300 * megabyte)];
const usual: Situation = {
  version: 170_002,
  chain,
  timeline: 1,
  summarizes: true,
  change: async () => ({ known: true, bytes: 100 * megabyte, counted: true }),
};
const changed = (megabytes: number, counted = true): Partial<Situation> => ({
  change: async () => ({ known: true, bytes: megabytes * megabyte, counted }),
});

test.each<[Partial<Situation>, string]>([
  [{}, 'about 10 % of 1,000 MB has changed since B'],
  [changed(3), 'about 1 % at most of 1,000 MB has changed since B'],
  [changed(600), 'about 60 % of 1,000 MB has changed since B'],
  [changed(200, false), 'about 20 % of 1,000 MB has changed since B, by how much log was written'],
])('an incremental one pays: %#', async (more, reason) => {
  expect(await chooseType({ ...usual, ...more })).toEqual({ type: 'incremental', reason });
});

test.each<[Partial<Situation>, string]>([
  [{ chain: [] }, 'there is no backup to build on yet'],
  [{ version: 160_004 }, 'PostgreSQL 16 does not tell which blocks changed'],
  [{ summarizes: false }, 'the server does not keep track of what changes: summarize_wal is off'],
  [{ timeline: 2 }, 'the server was promoted since B'],
  [
    {
      chain: Array.from({ length: 30 }, () => chain)
        .flat()
        .slice(0, 30),
    },
    '30 backups build on each other already',
  ],
  [{ change: async () => ({ known: false }) }, 'the server does not know any more what has changed since B'],
  [changed(601), 'about 60 % of 1,000 MB has changed since B'],
  [
    { chain: [...chain, backup('C', 'B', 600 * megabyte)], ...changed(101) },
    'a restore would read 1,001 MB of changes beside 1,000 MB',
  ],
])('a full one serves better: %#', async (more, reason) => {
  expect(await chooseType({ ...usual, ...more })).toEqual({ type: 'full', reason });
});
