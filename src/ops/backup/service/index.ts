export type { Catalogue } from './catalogue.ts';
export { type Behind, behindFirst, behindOf } from './copies.ts';
export { readyMsOf, readyMsOfRecord } from './facts.ts';
export { sizesOf } from './jobs.ts';
export { createBackupService } from './service.ts';
export type {
  AskedBackup,
  BackupEvent,
  BackupLogger,
  BackupService,
  BackupServiceOptions,
  BackupServiceStatus,
  KeptLog,
  KnownBackups,
  RunningBackup,
} from './types.ts';
