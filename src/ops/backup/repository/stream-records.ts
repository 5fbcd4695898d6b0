import { z } from 'zod';
import { count, lsn, time } from './record-values.ts';

/** How far a stream has brought the log, as the file `stream.json` has it. Written anew every minute at least while it runs. */
export const streamRecord = z.strictObject({
  format: z.literal(1),
  slot: z.string(),
  host: z.string(),
  pid: count,
  startedAt: time,
  /** When it was written last, by the clock of that machine. */
  aliveAt: time,
  /** Set by one that ended in order. */
  endedAt: time.nullable(),
  segmentBytes: count,
  timeline: count,
  /** Where it began: log before it was stored by backups only. */
  firstLsn: lsn,
  /** Everything from there up to here is stored, but for gaps; the last segment as a part. */
  storedLsn: lsn,
});
export type StreamRecord = z.output<typeof streamRecord>;

/** Log that is lost, as a file below `gaps/` has it, by the name of the first segment that is missing. */
export const gapRecord = z.strictObject({
  format: z.literal(1),
  timeline: count,
  /** Names of segments. */
  first: z.string(),
  last: z.string(),
  segments: count,
  fromLsn: lsn,
  toLsn: lsn,
  noticedAt: time,
  reason: z.string(),
});
export type GapRecord = z.output<typeof gapRecord>;

/** That a prune has removed log, as the file `trimmed.json` has it. */
export const trimmedRecord = z.strictObject({
  format: z.literal(1),
  timeline: count,
  /** Of log before this, on that timeline and earlier ones, there is what backups need themselves, and maybe more. */
  beforeLsn: lsn,
  at: time,
});
export type TrimmedRecord = z.output<typeof trimmedRecord>;
