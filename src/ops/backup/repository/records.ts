import { z } from 'zod';
import { count, lsn, time } from './record-values.ts';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** How files are stored: always compressed, and encrypted for the recipients if there are any. */
export interface StoredEncoding {
  encrypted: boolean;
}

/** A file as it is stored. */
export const storedFile = z.strictObject({
  /** PostgreSQL's name. */
  name: z.string(),
  key: z.string(),
  /** Before compression. */
  bytes: count,
  storedBytes: count,
  /** Of what is stored, so that it can be checked without a key. */
  sha256,
});
export type StoredFile = z.output<typeof storedFile>;

const tablespace = z.strictObject({
  oid: count,
  /** Where it was on the server. */
  location: z.string(),
});

/** A backup, as its file `backup.json` has it. */
export const backupRecord = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  type: z.enum(['full', 'incremental']),
  /** The backup that an incremental one needs. */
  parent: z.string().nullable(),
  /** Why it is of that type; missing where that was asked for. */
  reason: z.string().optional(),
  /** Of an incremental one: how much of the server it holds, from 0 to 1. */
  changedRatio: z.number().optional(),
  /** PostgreSQL's number of the cluster. */
  systemId: z.string(),
  /** As in 180001. */
  serverVersion: count,
  segmentBytes: count,
  blockBytes: count,
  timeline: count,
  startLsn: lsn,
  /** The log has to be there up to here for the backup to be usable. */
  endLsn: lsn,
  startedAt: time,
  endedAt: time,
  label: z.string(),
  tablespaces: z.array(tablespace),
  files: z.array(storedFile),
  /** What the server warned of. */
  warnings: z.array(z.string()),
  /** Who can read it; empty: everybody. */
  recipients: z.array(z.string()),
  madeBy: z.string(),
});
export type BackupRecord = z.output<typeof backupRecord>;

/** Who makes a backup, as its file `started.json` has it while it is made. */
export const startedRecord = z.strictObject({
  startedAt: time,
  host: z.string(),
  pid: count,
  /** The backup that it builds on, which must not go meanwhile. */
  parent: z.string().nullable(),
});

/** That a backup is to be kept, as `pins/ID.json` has it. */
export const pinRecord = z.strictObject({
  format: z.literal(1),
  /** The backup's name. */
  id: z.string(),
  pinnedAt: time,
  /** Up to when; `null`: until it is unpinned. */
  until: time.nullable(),
  reason: z.string().nullable(),
  /** The repository that it was copied from: it follows the pin there. Missing where it was pinned here. */
  copiedFrom: z.string().optional(),
});
export type PinRecord = z.output<typeof pinRecord>;

/** What a repository is, as its file `pitcrew.json` has it. */
export const repositoryRecord = z.strictObject({
  format: z.literal(1),
  systemId: z.string(),
  createdAt: time,
});
export type RepositoryRecord = z.output<typeof repositoryRecord>;

/** A key for which everything is stored from now on, as its file `keys/age1….json` has it. */
export const keyRecord = z.strictObject({
  format: z.literal(1),
  recipient: z.string(),
  addedAt: time,
});
