import pg from 'pg';
import { PitcrewError } from '../../../errors.ts';
import { diskFull } from '../../embedded/index.ts';

/** PostgreSQL's own error as `E_QUERY`; a twin whose server is gone as `E_EMBEDDED`; others as they are. */
export function asQueryError(error: unknown): unknown {
  if (error instanceof PitcrewError) return error;
  if (error instanceof pg.DatabaseError && !error.code?.startsWith('57P0')) {
    return new PitcrewError('E_QUERY', error.message, {
      sqlState: error.code,
      detail: error.detail,
      hint: error.hint,
      cause: error,
    });
  }
  return new PitcrewError('E_EMBEDDED', 'the server of the twin is gone', {
    detail: error instanceof Error ? error.message : undefined,
    hint: 'Make the twin again.',
    cause: error,
  });
}

/** What stopped the making of a twin: a full disk as `E_DATA_DIR`, a server that is gone as `E_EMBEDDED`; others as they are. */
export function asBuildError(error: unknown, dataDir: string): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  if (error.code === '53100') return diskFull(dataDir, error.message, error);
  return error.code?.startsWith('57P0') ? asQueryError(error) : error;
}
