import { z } from 'zod';
import { count, drillKey, drillsPrefix, lsn, readRecord, recordText, storeText, time } from '../repository/index.ts';
import type { Repository } from '../repository/index.ts';

const text = z.string().max(1000);

/** What was looked at in one database. */
const drilledDatabase = z.strictObject({
  name: z.string(),
  tables: count,
  rows: count,
  indexes: count,
  /** Tables and indexes that could not be looked at here. */
  skipped: count,
  ms: count,
});
export type DrilledDatabase = z.output<typeof drilledDatabase>;

/** What a drill found, as its file below `drills/` has it. No row of the database is in it. */
const drillRecord = z.strictObject({
  format: z.literal(1),
  backup: z.string(),
  startedAt: time,
  endedAt: time,
  host: z.string(),
  /** Of the scratch server, as in `18.4`; `null` when it did not come to run. */
  serverVersion: z.string().nullable(),
  /** The server ran as of the moment that was wanted, and nothing that was looked at was wrong. */
  proven: z.boolean(),
  target: z.strictObject({
    kind: z.enum(['end', 'random', 'given']),
    /** As given, or the position that was drawn; `null`: the end. */
    value: z.string().nullable(),
    /** With it the same position is drawn from the same log. */
    seed: z.string().nullable(),
  }),
  reached: z.strictObject({
    lsn: lsn.nullable(),
    /** When the last transaction was committed that was recovered; `null` when there was none after the backup. */
    at: time.nullable(),
    timeline: count.nullable(),
  }),
  /** Milliseconds; `null` for what was not come to. */
  fetchMs: count.nullable(),
  recoveryMs: count.nullable(),
  checkMs: count.nullable(),
  /** Of the files that were restored, and of the log that was fetched. */
  restoredBytes: count,
  segments: count,
  databases: z.array(drilledDatabase).max(100),
  /** Own checks: how many there were, and how many of them passed. */
  checks: count,
  passed: count,
  /** What is wrong, in plain words. */
  problems: z.array(text).max(100),
  /** What could not be looked at, and why. */
  notes: z.array(text).max(100),
});
export type DrillRecord = z.output<typeof drillRecord>;

/** So many are kept; those of a backup go with it. */
const mostDrills = 100;

/** Keeps what a drill found; of too many the oldest goes. @throws {PitcrewError} `E_STORAGE` */
export async function keepDrill({ storage }: Repository, record: DrillRecord): Promise<void> {
  await storeText(storage, drillKey(record.backup, record.startedAt), recordText(drillRecord, record));
  const keys: string[] = [];
  for await (const { key } of storage.list(drillsPrefix)) keys.push(key);
  const byTime = keys.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  for (const key of byTime.slice(0, -mostDrills)) await storage.delete(key);
}

const nameOf = (key: string): string => key.split('/').at(-1) ?? '';

/** All that is known of drills, the oldest first. A record that cannot be read is left out. */
export async function readDrills({ storage }: Repository): Promise<DrillRecord[]> {
  const found: DrillRecord[] = [];
  for await (const { key } of storage.list(drillsPrefix)) {
    const record = await readRecord(storage, key, drillRecord).catch(() => undefined);
    if (record && found.length < 2 * mostDrills) found.push(record);
  }
  return found.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
}
