import pg from 'pg';
import { PitcrewError } from '../../../errors.ts';

/** What PostgreSQL says of a statement or an index, as an error of ours: `E_QUERY`. Anything else is passed through. */
export function asQueryError(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  return new PitcrewError('E_QUERY', error.message, {
    sqlState: error.code,
    detail: error.detail,
    hint: error.hint,
    cause: error,
  });
}
