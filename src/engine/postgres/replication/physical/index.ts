export { type BaseBackupEvent, type BaseBackupOptions, baseBackup, type Tablespace } from './base-backup.ts';
export {
  openPhysical,
  type PhysicalConnection,
  type PhysicalOptions,
  type SlotPosition,
} from './physical-connection.ts';
export { countRegrown, type LogRange } from './regrown-relations.ts';
export { uploadManifest } from './upload-manifest.ts';
export { type NextTimeline, streamWal, type WalPiece, type WalStream, type WalStreamOptions } from './wal-stream.ts';
