import { z } from 'zod';
import { storedFile } from './records.ts';
import { count, lsn, time } from './record-values.ts';

/** A logical backup of a database, as `dumps/ID/dump.json` has it. */
export const dumpRecord = z.strictObject({
  format: z.literal(1),
  id: z.string(),
  database: z.string(),
  /** Patterns of pg_dump for the tables that it has; empty: all of the database. */
  tables: z.array(z.string()),
  /** `null` where the role may not see it. */
  systemId: z.string().nullable(),
  /** As in 180001. */
  serverVersion: count,
  /** Of the server when it began; `null` where the role may not see it. */
  timeline: count.nullable(),
  /** Where the server's log was when it began: which dump is newer, on one timeline. */
  lsn,
  startedAt: time,
  endedAt: time,
  /** In pg_dump's custom format, not compressed by it. */
  file: storedFile,
  /** Version of pg_dump. */
  client: z.string(),
  /** What pg_dump warned of. */
  warnings: z.array(z.string()),
  recipients: z.array(z.string()),
  madeBy: z.string(),
});
export type DumpRecord = z.output<typeof dumpRecord>;
