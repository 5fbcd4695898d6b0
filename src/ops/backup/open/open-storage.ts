import { resolve } from 'node:path';
import type { RepositorySettings } from '../../../config/index.ts';
import { localStorage, type Storage } from '../storage/index.ts';

/**
 * The storage of a repository. What a bucket needs is loaded for one only.
 * @param onNotice is told once what a service cannot do, and what follows
 * @throws {PitcrewError} `E_CONFIG` for a location that is none; `E_MISSING_PACKAGE` without the package that a bucket needs
 */
export async function openStorage(
  { location, s3 }: Pick<RepositorySettings, 'location' | 's3'>,
  onNotice?: (text: string) => void,
): Promise<Storage> {
  if (!location.includes('://')) return localStorage(resolve(location));
  const { openBucket, s3Storage } = await import('../storage/s3/index.ts');
  return s3Storage(await openBucket(location, s3), { onNotice });
}
