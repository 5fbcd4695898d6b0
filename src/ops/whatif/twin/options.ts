import type { DatabaseConnection, ServerProfile } from '../../../engine/postgres/index.ts';
import type { WhatIf } from '../types.ts';

export interface TwinProgress {
  stage: 'server' | 'catalog' | 'schema' | 'indexes' | 'statistics' | 'sizes';
  done: number;
  total: number;
}

export interface TwinOptions {
  /** Session with the watched database; only its catalog is read. */
  connection: DatabaseConnection;
  profile: ServerProfile;
  /** Folder of the twin's cluster. It holds statistics, that is, samples of data: mode 700, removed by `close`. */
  dataDir: string;
  /** Leave the folder when the twin is closed; false by default. The next twin made there begins anew, but sooner. */
  keep?: boolean;
  /** Only these tables, with their partitions and the views on them; all by default. */
  tables?: readonly { schema: string; name: string }[];
  /** The application's role: what ALTER ROLE and ALTER DATABASE set for it counts; by default that of the connection. */
  role?: string;
  onProgress?: (progress: TwinProgress) => void;
  signal?: AbortSignal;
}

/** A planner twin: what-if planning without anything installed on, or done to, the watched database. */
export interface Twin extends WhatIf {
  readonly backend: 'twin';
  /** How many objects were carried over. */
  readonly carried: { tables: number; indexes: number; columns: number };
  /** How long it took to make, in seconds. */
  readonly seconds: number;
}
