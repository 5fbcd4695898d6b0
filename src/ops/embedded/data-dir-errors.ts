import { errorCode, PitcrewError } from '../../errors.ts';

/** Says in plain words why a folder cannot be used; other errors are passed through. */
export function asDataDirError(thrown: unknown, dir: string): unknown {
  const code = errorCode(thrown);
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new PitcrewError('E_DATA_DIR', `cannot write to "${dir}"`, {
        detail,
        hint: 'Give a folder that this user may write to with --data-dir.',
        cause: thrown,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(dir, detail, thrown);
    case 'EEXIST':
    case 'ENOTDIR':
      return new PitcrewError('E_DATA_DIR', `"${dir}" is not a folder`, {
        detail,
        hint: 'Give another folder with --data-dir.',
        cause: thrown,
      });
    case 'EBUSY':
      return new PitcrewError('E_DATA_DIR', `"${dir}" is a mount point`, {
        detail,
        hint: 'Give a folder below the mount point with --data-dir.',
        cause: thrown,
      });
    default:
      return thrown;
  }
}

/** The error for a file system without room. */
export function diskFull(dir: string, detail: string, cause?: unknown): PitcrewError {
  return new PitcrewError('E_DATA_DIR', `no space left for "${dir}"`, {
    detail,
    hint: 'Make room on that disk, or give a folder on another one with --data-dir.',
    cause,
  });
}

/**
 * What the last lines of a log say about a server or initdb that failed. The usual causes become a short fact with a
 * hint; the rest keeps the log as its detail.
 */
export function startFailure(what: string, dataDir: string, log: string, cause?: unknown): PitcrewError {
  const detail = log.trim() || 'It said nothing.';
  // Each file that could not be written has its line: one says it.
  const full = log.split('\n').findLast((line) => /No space left on device|Disk quota exceeded/.test(line));
  if (full !== undefined) return diskFull(dataDir, full.trim(), cause);
  if (/Permission denied|Read-only file system/.test(log)) {
    return new PitcrewError('E_DATA_DIR', `PostgreSQL may not use "${dataDir}"`, {
      detail,
      hint: 'Give a folder that the user who runs PostgreSQL can reach and write to with --data-dir.',
      cause,
    });
  }
  return new PitcrewError('E_EMBEDDED', `${what} failed`, { detail, hint: hintFor(log), cause });
}

function hintFor(log: string): string | undefined {
  if (/could not (bind|create any TCP)/.test(log)) return 'Another program listens on that port; give another one.';
  if (/could not (map|create|resize) .*shared memory/.test(log))
    return 'Give the machine or container more shared memory.';
  return undefined;
}
