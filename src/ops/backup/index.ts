export { addKeys, changePassphrase, makeKey, removeKey, rotateKey, type StoredKey, storedKeys } from './keys/index.ts';
export { readPassphrase } from './open/secret-files.ts';
export { createBackup } from './create/create-backup.ts';
export type { CreateOptions, CreateProgress } from './create/options.ts';
export { longestUnproven } from './drill/choose-backups.ts';
export { drill, type Drilled, type DrillProgress } from './drill/drill.ts';
export type { DrillMoment } from './drill/moment.ts';
export { type DrillRecord, readDrills } from './drill/record.ts';
export { inTime } from './in-time.ts';
export { openRepositories } from './open/open-repositories.ts';
export { type BackupRecord, type DumpRecord, type PinRecord, type Repository } from './repository/index.ts';
export { mirror, type Mirrored } from './mirror/mirror.ts';
export { mirrorPins } from './mirror/mirror-pins.ts';
export { chooseBackup } from './restore/choose-backup.ts';
export { type LogPlan, missingText } from './restore/log-plan.ts';
export { planRestore, type RestorePlan } from './restore/plan.ts';
export { isVacant } from './restore/leftovers.ts';
export { asOneError, preflight } from './restore/preflight.ts';
export { restoreBackup, type Restored, type RestoreOptions, type RestoreProgress } from './restore/restore-backup.ts';
export type { RecoveryProgress } from './restore/recovery-log.ts';
export { serverPrograms } from './restore/server-programs.ts';
export { type RestoredServer, startRestored } from './restore/start-restored.ts';
export type { RecoveryTarget } from './restore/target.ts';
export { unstoredLog } from './restore/unstored-log.ts';
export type { Decision } from './retention/decision.ts';
export { pin, readPins, unpin } from './retention/pins.ts';
export { type LogPolicy, policyOf, type RetentionClass, type RetentionPolicy } from './retention/policy.ts';
export { prune, type Pruned } from './retention/prune.ts';
export * from './service/index.ts';
export { type RepositoryStats, statsOf } from './stats/stats.ts';
export type { Storage } from './storage/index.ts';
export { dropSlot, makeSlot } from './stream/slot.ts';
export { slotNameOf } from './stream/slot-name.ts';
export { streamLog } from './stream/stream-log.ts';
export type {
  LogStream,
  RepositoryState,
  StreamEvent,
  StreamFault,
  StreamGap,
  StreamOptions,
  StreamState,
} from './stream/types.ts';
export type { Gap, Problem, Verified } from './verify/found.ts';
export { isWrong, verify, type VerifyProgress } from './verify/verify.ts';
export { type MissingLog, type Moment, type Reachable, type ReachableWindow, reachableWindows } from './wal/windows.ts';
export { createDump } from './dump/create-dump.ts';
export { readDumps } from './dump/dumps.ts';
export { fetchDump } from './dump/fetch-dump.ts';
