import type { Pool } from 'pg';
import { createReader } from '../history/reader.ts';
import { readDrills, readLatest, readLines, readRun, readRuns } from './read.ts';
import type { BackupRun, BackupStore } from './types.ts';
import { abandonRuns, addLines, beginRun, endRun } from './write.ts';

/** The part of the store that is of backups. */
export function createBackupStore(pool: Pool): BackupStore {
  const reader = createReader(pool);
  return {
    beginRun: (targetId, run) => beginRun(reader, targetId, run),
    addLines: (id, from, lines) => addLines(reader, id, from, lines),
    endRun: (id, result) => endRun(reader, id, result),
    abandonRuns: (targetId, ended) => abandonRuns(reader, targetId, ended),
    runs: (query) => readRuns(reader, query),
    run: (targetId, id) => readRun(reader, targetId, id),
    lines: (id) => readLines(reader, id),
    latestRuns: (targetId) => readLatest(reader, targetId),
    latestDrills: (targetId) => readDrills(reader, targetId),
    countRuns: (targetId) =>
      reader.rows<Pick<BackupRun, 'kind' | 'state'> & { count: number }>(
        `
         SELECT   kind, state, count(*)::integer AS count
         FROM     pitcrew.backup_run
         WHERE    target_id = $1
         GROUP BY kind, state`,
        [targetId],
      ),
  };
}
