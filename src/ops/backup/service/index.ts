export type { Catalogue, CataloguedRepository } from './catalogue.ts';
export { readyMsOf } from './facts.ts';
export { sizesOf } from './jobs.ts';
export type { LogStreamStatus } from './seam/log-stream.ts';
export type { Reachable, ReachableWindow } from './seam/reachable.ts';
export { createBackupService } from './service.ts';
export type {
  AskedBackup,
  BackupEvent,
  BackupLogger,
  BackupService,
  BackupServiceOptions,
  BackupServiceStatus,
  KnownBackups,
  RunningBackup,
} from './types.ts';
