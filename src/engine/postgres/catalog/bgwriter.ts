import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** The background writer. One row. */
export interface BgwriterRow {
  buffersClean: number;
  /** Times it stopped a round because it had written bgwriter_lru_maxpages. */
  maxwritten: number;
  buffersAlloc: number;
  /** Written by sessions themselves; from 17 on in pg_stat_io. */
  buffersBackend: number | null;
  buffersBackendFsync: number | null;
  statsReset: Date | null;
}

export async function readBgwriter(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<BgwriterRow>> {
  const known = whereKnown(profile, 'pg_stat_bgwriter');
  return read<BgwriterRow>(
    connection,
    'bgwriter',
    `
    SELECT buffers_clean                     AS "buffersClean",
           maxwritten_clean                  AS "maxwritten",
           buffers_alloc                     AS "buffersAlloc",
           ${known('buffers_backend')}       AS "buffersBackend",
           ${known('buffers_backend_fsync')} AS "buffersBackendFsync",
           stats_reset                       AS "statsReset"
      FROM pg_stat_bgwriter
    `,
  );
}
