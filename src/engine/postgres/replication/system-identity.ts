import { lsnOf } from './lsn.ts';

/** What a server says of itself. */
export interface SystemIdentity {
  /** The same for all servers of a cluster. */
  systemId: string;
  timeline: number;
  /** Up to where its log is on disk. */
  flushedLsn: bigint;
}

/** Its answer to IDENTIFY_SYSTEM. */
export function identityOf(row: Record<string, unknown>): SystemIdentity {
  return {
    systemId: String(row['systemid']),
    timeline: Number(row['timeline']),
    flushedLsn: lsnOf(String(row['xlogpos'])) ?? 0n,
  };
}
