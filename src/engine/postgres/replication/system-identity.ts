/** What a server says of itself. */
export interface SystemIdentity {
  /** The same for all servers of a cluster. */
  systemId: string;
  timeline: number;
  /** Up to where its log is on disk. */
  flushedLsn: bigint;
}
