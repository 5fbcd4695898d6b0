export { byLog } from './by-log.ts';
export { type Manifest, type ManifestFile, manifestOf, readManifest } from './manifest.ts';
export type { BackupRecord, PinRecord, RepositoryRecord, StoredFile } from './records.ts';
export { openRepository, type Repository, type RepositoryOptions } from './repository.ts';
export { storing, type Storing } from './storing.ts';
