import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord, Repository } from '../../repository/index.ts';
import { restoreBackup } from '../../restore/restore-backup.ts';

export interface DrillOptions {
  repository: Repository;
  backup: BackupRecord;
  /** A folder of its own is made below it, and removed at the end. */
  dir: string;
  /** Own statements for the restored server. */
  checks: readonly string[];
  signal: AbortSignal;
  onProgress(progress: { phase: string; doneBytes: number; totalBytes: number | null }): void;
}

/** What came of it. */
export interface DrillResult {
  /** From the beginning until it was ready. */
  readyMs: number;
  /** What was found wrong. */
  problems: string[];
}

/** Restores a backup, to prove it. */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { repository, backup, dir, signal, onProgress } = options;
  const began = performance.now();
  const to = join(dir, `drill-${backup.id}`);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await rm(to, { recursive: true, force: true });
  try {
    await restoreBackup({
      repository,
      backup,
      to,
      restoreCommand: ['false'],
      signal,
      onProgress: (progress) => onProgress({ ...progress, phase: 'restoring' }),
    });
    return { readyMs: performance.now() - began, problems: [] };
  } finally {
    await rm(to, { recursive: true, force: true });
  }
}
