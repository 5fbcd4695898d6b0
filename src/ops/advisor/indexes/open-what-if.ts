import type { DatabaseConnection, ServerProfile } from '../../../engine/postgres/index.ts';
import { openHypopg, openOwnTwin, type TwinProgress, type WhatIf } from '../../whatif/index.ts';
import type { Finding } from '../types.ts';
import type { Workload } from '../workload/types.ts';
import { tablesOfWorkload } from './model/tables-of-workload.ts';

export interface OpenWhatIfOptions {
  backend: WhatIf['backend'];
  url: string;
  connection: DatabaseConnection;
  profile: ServerProfile;
  /** Folder of the database's twins: one is made there, and removed again when it is closed. */
  twins: string;
  workload: Workload;
  /** Findings that want an index dropped: their tables are needed too. */
  drops?: readonly Finding[];
  /** Of making a twin. */
  onProgress?: (progress: TwinProgress) => void;
  signal?: AbortSignal;
}

/**
 * Opens what plans a workload under other indexes: a twin of the tables that it needs, or HypoPG on the server.
 * @throws {PitcrewError} as `openTwin` and `openHypopg`, and what reading the catalog throws.
 */
export async function openWhatIf({
  backend,
  url,
  twins,
  workload,
  drops,
  ...options
}: OpenWhatIfOptions): Promise<WhatIf> {
  const { connection, profile } = options;
  if (backend === 'hypopg') return openHypopg({ url, profile });
  const tables = await tablesOfWorkload(connection, profile, workload, drops);
  return openOwnTwin(twins, { ...options, tables });
}
