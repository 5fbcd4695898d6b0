export { byLog } from './by-log.ts';
export { type Manifest, type ManifestFile, manifestOf, readManifest } from './manifest.ts';
export { mirror, type Mirrored, type MirrorOptions } from './mirror.ts';
export type { BackupRecord, RepositoryRecord, StoredFile } from './records.ts';
export { openRepository, type Repository, type RepositoryOptions } from './repository.ts';
export { storing, type Storing } from './storing.ts';
