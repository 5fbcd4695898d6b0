export { byLog } from './by-log.ts';
export { isRunning } from './is-running.ts';
export { type Manifest, type ManifestFile, manifestOf, readManifest } from './manifest.ts';
export type { BackupRecord, RepositoryRecord, StoredFile } from './records.ts';
export { openRepository, type Repository, type RepositoryOptions } from './repository.ts';
export { partialName } from './layout.ts';
export type { GapRecord, StreamRecord } from './stream-records.ts';
export { storing, type Storing } from './storing.ts';
