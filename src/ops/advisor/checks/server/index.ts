import type { Check } from '../../types.ts';
import { autovacuumSettings } from './autovacuum-settings.ts';
import { cacheHit } from './cache-hit.ts';
import { checkpoints } from './checkpoints.ts';
import { connections } from './connections.ts';
import { extensionUpdates } from './extension-updates.ts';
import { jitCost } from './jit-cost.ts';
import { materialisedViewCandidate } from './materialised-view-candidate.ts';
import { queryStatistics } from './query-statistics.ts';
import { replicationSlots } from './replication-slots.ts';
import { sequentialScans } from './sequential-scans.ts';
import { ioSettings } from './settings/io.ts';
import { memorySettings } from './settings/memory.ts';
import { plannerSettings } from './settings/planner.ts';
import { safetySettings } from './settings/safety.ts';
import { walSettings } from './settings/wal.ts';
import { staleSessions } from './stale-sessions.ts';
import { tempFiles } from './temp-files.ts';
import { version } from './version.ts';

/** Checks of the server and of how it is used, in the order in which reports show them. */
export const serverChecks: readonly Check[] = Object.freeze([
  safetySettings,
  version,
  staleSessions,
  connections,
  replicationSlots,
  sequentialScans,
  cacheHit,
  tempFiles,
  checkpoints,
  jitCost,
  materialisedViewCandidate,
  memorySettings,
  walSettings,
  plannerSettings,
  autovacuumSettings,
  ioSettings,
  queryStatistics,
  extensionUpdates,
]);
