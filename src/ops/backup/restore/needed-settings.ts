const mb = 1024 * 1024;
const inMb = (bytes: number): string => `${bytes / mb}MB`;
/** Recovery needs a place for each server whose changes were ever applied there, and no file has how many there are. A place takes some 300 bytes. */
const mostOrigins = 10_000;

/** Settings for a server whose own are not known, without which it may not start with another one's data or not recover. */
export function neededSettings({
  major,
  segmentBytes,
}: {
  major: number;
  segmentBytes: number;
}): Readonly<Record<string, string>> {
  return {
    [major >= 18 ? 'max_active_replication_origins' : 'max_replication_slots']: String(mostOrigins),
    // PostgreSQL wants both as large as two segments at least.
    min_wal_size: inMb(Math.max(32 * mb, 2 * segmentBytes)),
    max_wal_size: inMb(Math.max(1024 * mb, 2 * segmentBytes)),
  };
}
