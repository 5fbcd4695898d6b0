import type { Reading } from '../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../errors.ts';

/**
 * The rows without which a check cannot judge. Where nothing could be read the check has to say so: it would take what it
 * does not see for what is not there.
 * @throws {PitcrewError} `E_QUERY` when the server did not give them; a check that throws answers that it is unknown, and why.
 */
export function needed<Row>({ rows, skipped: [why] }: Reading<Row>, what: string): Row[] {
  if (rows.length > 0 || why === undefined) return rows;
  throw new PitcrewError('E_QUERY', `${what} could not be read`, { detail: why.reason, hint: why.fix ?? undefined });
}
