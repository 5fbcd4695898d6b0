import { type BackupRecord, type GapRecord, nameOfPartial, type Repository } from '../repository/index.ts';
import { segmentPosition, segmentStart } from '../wal/segments.ts';

/** A segment of log as it is stored. */
export interface LogSegment {
  name: string;
  key: string;
  bytes: number;
  /** `undefined`: no segment, such as the history of a timeline, which is small and always kept. */
  at: { timeline: number; startLsn: bigint } | undefined;
}

/** Which log stays. */
export interface LogNeeds {
  /** Of these what they need themselves. */
  kept: readonly BackupRecord[];
  /** From the beginning of these on, all. */
  onward: readonly BackupRecord[];
}

/** All log of a repository, in order. */
export async function* logOf(repository: Repository, segmentBytes: number): AsyncGenerator<LogSegment> {
  for await (const { name, key, bytes } of repository.wal()) {
    // A part of a segment goes with it.
    yield { name, key, bytes, at: segmentPosition(nameOfPartial(name), segmentBytes) };
  }
}

/** Tells whether no kept backup needs a segment, neither to be whole nor to go on from there. In doubt it stays. */
export function spareIn({ kept, onward }: LogNeeds): (segment: Pick<LogSegment, 'at'>) => boolean {
  const own = kept.map(({ timeline, startLsn, endLsn, segmentBytes }) => ({
    timeline,
    from: segmentStart(startLsn, segmentBytes),
    to: endLsn,
  }));
  const first = firstOnward({ onward });
  return ({ at }) => {
    // Without any backup to go on from, nothing is known of what comes.
    if (!at || !first || at.timeline > first.timeline || at.startLsn >= first.lsn) return false;
    return own.every(({ timeline, from, to }) => at.timeline !== timeline || at.startLsn < from || at.startLsn >= to);
  };
}

/** From where on all log stays: that of a later timeline may follow from there, that of an earlier one does not, wherever it goes. */
export function firstOnward({ onward }: Pick<LogNeeds, 'onward'>): { timeline: number; lsn: bigint } | undefined {
  return onward.reduce<{ timeline: number; lsn: bigint } | undefined>((least, backup) => {
    const lsn = segmentStart(backup.startLsn, backup.segmentBytes);
    if (!least) return { timeline: backup.timeline, lsn };
    return { timeline: Math.min(least.timeline, backup.timeline), lsn: lsn < least.lsn ? lsn : least.lsn };
  }, undefined);
}

/** Whether lost log would lie before all that stays: no kept backup needs it, and none is recovered through it. In doubt its record stays. */
export function spareGap(needs: LogNeeds, { timeline, last, fromLsn, toLsn }: GapRecord): boolean {
  const first = firstOnward(needs);
  const lastTimeline = Number.parseInt(last.slice(0, 8), 16);
  if (!first || lastTimeline > first.timeline || toLsn > first.lsn) return false;
  return needs.kept.every(
    (backup) =>
      backup.timeline < timeline ||
      backup.timeline > lastTimeline ||
      backup.endLsn <= fromLsn ||
      backup.startLsn >= toLsn,
  );
}

/** The log of a repository, summed up between the places where backups begin and end: so much is enough to weigh what stays. */
export type LogSums = { at: { timeline: number; startLsn: bigint }; bytes: number }[];

export async function sumLog(repository: Repository, backups: readonly BackupRecord[]): Promise<LogSums> {
  const segmentBytes = backups[0]?.segmentBytes;
  if (segmentBytes === undefined) return [];
  const size = BigInt(segmentBytes);
  const edges = backups
    .flatMap(({ startLsn, endLsn }) => [startLsn - (startLsn % size), ((endLsn + size - 1n) / size) * size])
    .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const sums = new Map<string, LogSums[number]>();
  for await (const { at, bytes } of logOf(repository, segmentBytes)) {
    if (!at) continue;
    const key = `${at.timeline}/${edges.findLast((edge) => edge <= at.startLsn) ?? 0n}`;
    const sum = sums.get(key);
    if (sum) sum.bytes += bytes;
    else sums.set(key, { at, bytes });
  }
  return [...sums.values()];
}

/** Of the log that stays, as it is stored. */
export function neededBytes(sums: LogSums, needs: LogNeeds): number {
  const isSpare = spareIn(needs);
  return sums.reduce((sum, { at, bytes }) => (isSpare({ at }) ? sum : sum + bytes), 0);
}
