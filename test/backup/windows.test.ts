import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lsnText } from '../../src/engine/postgres/replication/index.ts';
import { type BackupRecord, reachableWindows } from '../../src/ops/backup/index.ts';
import { openRepository, type Repository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { followLog } from '../../src/ops/backup/wal/follow.ts';
import { storedLog } from '../../src/ops/backup/wal/ranges.ts';
import { segmentName } from '../../src/ops/backup/wal/segments.ts';
import { latestTimeline } from '../../src/ops/backup/wal/timelines.ts';
import { testFolder } from '../support/folder.ts';

const segmentBytes = 16 * 1024 * 1024;
/** The position in a segment, by the number of that segment. */
const lsn = (segment: number): bigint => BigInt(segment * segmentBytes);

function backup(id: string, timeline: number, from: number, to: number, at: string): BackupRecord {
  return {
    format: 1,
    id,
    type: 'full',
    parent: null,
    systemId: '7',
    serverVersion: 180_000,
    segmentBytes,
    blockBytes: 8192,
    timeline,
    startLsn: lsn(from) + 40n,
    endLsn: lsn(to) + 400n,
    startedAt: new Date(at),
    endedAt: new Date(at),
    label: id,
    tablespaces: [],
    files: [],
    warnings: [],
    recipients: [],
    madeBy: 'a test',
  };
}

/** A repository with segments that have next to nothing in them: none of them is read. */
async function stored(log: Record<number, number[]>, histories: Record<number, string> = {}): Promise<Repository> {
  const repository = openRepository({ storage: localStorage(testFolder()) });
  const put = (name: string, content: string) => repository.putWal(name, Readable.from([Buffer.from(content)]));
  for (const [timeline, segments] of Object.entries(log)) {
    for (const segment of segments) await put(segmentName(Number(timeline), lsn(segment), segmentBytes), 'log');
  }
  for (const [timeline, content] of Object.entries(histories))
    await put(`${timeline.padStart(8, '0')}.history`, content);
  return repository;
}

const shown = ({ windows, gaps, unusable }: Awaited<ReturnType<typeof reachableWindows>>) => ({
  windows: windows.map(({ backups, from, to }) => [backups, lsnText(from.lsn), `${to.timeline}: ${lsnText(to.lsn)}`]),
  gaps: gaps.map(({ first, last, segments }) => [first, last, segments]),
  unusable: unusable.map((each) => each.backup),
});

describe('what can be reached', () => {
  test('is one window for backups with log between them, and another behind a gap', async () => {
    // Files have the time of the system's last tick.
    const begun = Date.now() - 1000;
    const repository = await stored({ 1: [2, 3, 4, 5, 8, 9] });
    await repository.putBackup(backup('a', 1, 2, 2, '2026-11-01T00:00:00Z'));
    await repository.putBackup(backup('b', 1, 4, 4, '2026-11-02T00:00:00Z'));
    await repository.putBackup(backup('c', 1, 8, 8, '2026-11-03T00:00:00Z'));
    await repository.putBackup(backup('d', 1, 9, 10, '2026-11-04T00:00:00Z'));
    const found = await reachableWindows(repository);
    expect(shown(found)).toEqual({
      windows: [
        [['a', 'b'], '0/2000190', '1: 0/6000000'],
        [['c'], '0/8000190', '1: 0/A000000'],
      ],
      gaps: [['000000010000000000000006', '000000010000000000000007', 2]],
      unusable: ['d'],
    });
    expect(found.unusable[0]?.missing).toMatchObject([{ first: '00000001000000000000000A', segments: 1 }]);
    expect(found.windows[0]?.from.at).toEqual(new Date('2026-11-01T00:00:00Z'));
    expect(found.windows[0]?.to.at.getTime()).toBeGreaterThan(begun);
    expect(found.log.segments).toBe(6);
  });

  test('ends in the segment of which there is a part, which may have all that a backup needs', async () => {
    const repository = await stored({ 1: [2, 3] });
    await repository.putPartial(segmentName(1, lsn(4), segmentBytes), Readable.from([Buffer.from('log')]));
    await repository.putPartial(segmentName(1, lsn(7), segmentBytes), Readable.from([Buffer.from('log')]));
    await repository.putBackup(backup('a', 1, 2, 3, '2026-11-01T00:00:00Z'));
    await repository.putBackup(backup('b', 1, 7, 7, '2026-11-02T00:00:00Z'));
    await repository.putBackup(backup('c', 1, 4, 5, '2026-11-03T00:00:00Z'));
    expect(shown(await reachableWindows(repository))).toMatchObject({
      windows: [
        [['a'], '0/3000190', '1: 0/5000000'],
        [['b'], '0/7000190', '1: 0/8000000'],
      ],
      unusable: ['c'],
    });
  });

  test('goes on along the timeline to which the server was promoted', async () => {
    // The old server went on for two segments after it was promoted over.
    const history = '1\t0/4500000\tno recovery target specified\n';
    const repository = await stored({ 1: [2, 3, 4, 5], 2: [4, 5, 6, 7] }, { 2: history });
    await repository.putBackup(backup('before', 1, 2, 2, '2026-11-01T00:00:00Z'));
    await repository.putBackup(backup('beside', 1, 5, 5, '2026-11-02T00:00:00Z'));
    await repository.putBackup(backup('after', 2, 6, 6, '2026-11-03T00:00:00Z'));
    expect(shown(await reachableWindows(repository))).toEqual({
      windows: [
        [['before', 'after'], '0/2000190', '2: 0/8000000'],
        // The way to the latest timeline does not lead through it.
        [['beside'], '0/5000190', '1: 0/6000000'],
      ],
      gaps: [],
      unusable: [],
    });
  });

  test('goes into a segment that a stream is receiving, and along backups that are only log', async () => {
    const repository = await stored({ 1: [2, 3, 4] });
    await repository.putPartial(segmentName(1, lsn(5), segmentBytes), Readable.from([Buffer.from('log')]));
    const files = [{ name: 'base.tar', key: 'x', bytes: 1, storedBytes: 1, sha256: '0'.repeat(64) }];
    await repository.putBackup({ ...backup('a', 1, 2, 2, '2026-11-01T00:00:00Z'), files });
    const onlyLog = (id: string, to: number): BackupRecord => ({
      ...backup(id, 1, 2, to, '2026-11-02T00:00:00Z'),
      type: 'incremental',
      parent: 'a',
    });
    await repository.putBackup(onlyLog('b', 4));
    await repository.putBackup(onlyLog('c', 6));
    const found = await reachableWindows(repository);
    expect(shown(found)).toEqual({
      windows: [[['a', 'b'], '0/2000190', '1: 0/6000000']],
      gaps: [],
      unusable: ['c'],
    });
    expect(found.windows[0]?.to.isPart).toBe(true);
  });

  test('ends where a stream has come to in its segment, once it has said so', async () => {
    const repository = await stored({ 1: [2] });
    await repository.putPartial(segmentName(1, lsn(3), segmentBytes), Readable.from([Buffer.from('log')]));
    await repository.putBackup(backup('a', 1, 2, 2, '2026-11-01T00:00:00Z'));
    const endAt = async (storedLsn: bigint) => {
      await repository.putStream({
        format: 1,
        slot: 'one',
        host: 'here',
        pid: 1,
        startedAt: new Date(),
        aliveAt: new Date(),
        endedAt: null,
        segmentBytes,
        timeline: 1,
        firstLsn: lsn(2),
        storedLsn,
      });
      const { to } = (await reachableWindows(repository)).windows[0] ?? {};
      return [to?.isPart, to?.lsn];
    };
    expect(await endAt(lsn(3) + 4096n)).toEqual([false, lsn(3) + 4096n]);
    // What it says is of another segment: it is not known how much there is.
    expect(await endAt(lsn(2) + 4096n)).toEqual([true, lsn(4)]);
    expect(await endAt(lsn(3))).toEqual([true, lsn(4)]);
  });

  test('begins in a segment that is there in part, as of a standby on which nothing is written', async () => {
    const repository = await stored({ 1: [1] });
    await repository.putPartial(segmentName(1, lsn(2), segmentBytes), Readable.from([Buffer.from('log')]));
    await repository.putBackup(backup('a', 1, 2, 2, '2026-11-01T00:00:00Z'));
    expect(shown(await reachableWindows(repository))).toEqual({
      windows: [[['a'], '0/2000190', '1: 0/3000000']],
      gaps: [],
      unusable: [],
    });
  });

  test('is nothing without a backup', async () => {
    expect(shown(await reachableWindows(await stored({ 1: [1] })))).toEqual({ windows: [], gaps: [], unusable: [] });
  });
});

test('a hundred thousand segments are kept as the ranges that they are', async () => {
  const wal = async function* () {
    for (let segment = 1; segment <= 100_000; segment += 1) {
      if (segment === 70_000) continue;
      const name = segmentName(1, lsn(segment), segmentBytes);
      yield { name, key: `wal/00000001/${name}.zst`, bytes: 5 };
      if (segment % 1000 === 0) yield { name, key: `wal/00000001/${name}.zst.age`, bytes: 5 };
    }
  };
  const { ranges } = await storedLog({ wal, stream: async () => undefined }, segmentBytes);
  expect(ranges.get(1)?.map(({ from, to, storedBytes }) => [from, to, storedBytes])).toEqual([
    [lsn(1), lsn(70_000), 69_999 * 5],
    [lsn(70_001), lsn(100_001), 30_000 * 5],
  ]);
});

test('log is followed as one who looks at each segment would', async () => {
  const segment = fc.integer({ min: 1, max: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(segment),
      fc.uniqueArray(segment),
      segment,
      segment,
      fc.integer({ min: 1, max: 14 }),
      async (old, young, from, branch, to) => {
        fc.pre(from <= branch && from <= to);
        const names = [
          ...old.toSorted((a, b) => a - b).map((at) => segmentName(1, lsn(at), segmentBytes)),
          ...young.toSorted((a, b) => a - b).map((at) => segmentName(2, lsn(at), segmentBytes)),
        ];
        const wal = async function* () {
          for (const name of names) yield { name, key: `wal/${name.slice(0, 8)}/${name}.zst`, bytes: 1 };
        };
        const path = [
          { timeline: 1, from: 0n, to: lsn(branch) + 100n },
          { timeline: 2, from: lsn(branch) + 100n, to: undefined },
        ];
        const found = followLog(await storedLog({ wal, stream: async () => undefined }, segmentBytes), path, {
          timeline: 1,
          from: lsn(from) + 7n,
          to: lsn(to) + 1n,
        });
        const there = (at: number) => (at < branch ? old : young).includes(at);
        let reached = from;
        while (reached <= to && there(reached)) reached += 1;
        const missing = Array.from({ length: to - from + 1 }, (_, at) => from + at).filter((at) => !there(at));
        expect(found.segments).toBe(reached - from);
        expect(found.reaches?.lsn).toBe(reached === from ? undefined : lsn(reached));
        expect(found.missing.reduce((sum, range) => sum + Number((range.to - range.from) / lsn(1)), 0)).toBe(
          missing.length,
        );
        expect(found.missing[0]?.from).toBe(missing[0] === undefined ? undefined : lsn(missing[0]));
      },
    ),
  );
});

test('the latest timeline is the last of those whose numbers follow each other', () => {
  expect(latestTimeline(1, [])).toBe(1);
  expect(latestTimeline(2, [2, 3, 4, 6])).toBe(4);
});
