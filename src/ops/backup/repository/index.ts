export { byLog } from './by-log.ts';
export { checksumKey, isChecksum, keyOfChecksum, readChecksum, storeChecksum } from './checksum.ts';
export {
  backupPrefix,
  backupRecordKey,
  backupsPrefix,
  drillKey,
  drillsPrefix,
  isPartial,
  keysPrefix,
  nameOfKey,
  nameOfPartial,
  partialName,
  startedKey,
  verifiedKey,
  verifiedPrefix,
  walPrefix,
} from './layout.ts';
export { isRunning } from '../is-running.ts';
export { lackingSegment } from './lacking-segment.ts';
export { type Manifest, type ManifestFile, manifestOf, readManifest } from './manifest.ts';
export { checkRecord, requireRecords } from './record-check.ts';
export { count, lsn, time } from './record-values.ts';
export { readRecord, recordText, storeText } from './record-file.ts';
export { type BackupRecord, type PinRecord, type RepositoryRecord, startedRecord, type StoredFile } from './records.ts';
export { openRepository, type Repository, type RepositoryOptions } from './repository.ts';
export { type DumpRecord, dumpRecord } from './dump-records.ts';
export type { GapRecord, StreamRecord, TrimmedRecord } from './stream-records.ts';
export { storing, type Storing } from './storing.ts';
export { tidy } from './tidy.ts';
export { stopsEncrypting } from './stops-encrypting.ts';
