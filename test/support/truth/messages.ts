/** How a process of the checker is set up. */
export interface TruthSettings {
  /** Of the primary, as the role of the application. */
  url: string;
  /** `host:port` of all servers, where reads may go to replicas. */
  hosts: readonly string[] | undefined;
  redis: { url: string; namespace: string } | undefined;
  changes: 'stream' | 'triggers';
  maxLagMs: number;
  /** Few entries make results come from Redis and from the database again and again. */
  maxEntries: number;
  /** Off: entries are deleted when a change arrives, and nothing else. */
  fenced: boolean;
  readers: number;
  writers: number;
  seed: number;
  /** Of the rows that only this process writes, the first. */
  ownFrom: number;
}

export type TruthOrder =
  | { do: 'run' }
  /** The writers alone. */
  | { do: 'stop writing' }
  | { do: 'halt' }
  /** Waits until results are kept by changes that are told, and the marker is among them. */
  | { do: 'keep marker' }
  /** Waits until the marker is given with this value, for so long; answers with the one that was given last. */
  | { do: 'await marker'; value: number; withinMs: number }
  | { do: 'ask all' }
  | { do: 'write'; id: number; value: number }
  | { do: 'see'; id: number; token: string };

/** What a process has found, and counts that only rise. */
export interface TruthReport {
  kept: number;
  memoryHits: number;
  tierHits: number;
  joined: number;
  epochs: number;
  refused: Record<string, number>;
  isReader: boolean;
  truth: string;
  reason: string | undefined;
  /** Reads after own writes, and those that gave something older. */
  ownReads: number;
  stale: string[];
  /** Reads that began after a newer value had been given, and gave an older one. */
  backwards: string[];
  /** By SQLSTATE or code. */
  errors: Record<string, number>;
}

/** Results that were given from what is kept, by the place of their question. */
export interface Served {
  memory: [number, string][];
  tier: [number, string][];
}

export type TruthAnswer = { report: TruthReport; served?: Served; token?: string; value?: number | undefined };
