import type { ParameterSamples, ParameterValues } from '../applications/types.ts';
import { storable } from '../storable.ts';
import type { Reader } from './reader.ts';

/** Values that applications call statements with, told latest first. */
export async function readParameterSamples(
  reader: Reader,
  { targetId, fingerprints, application }: { targetId: number; fingerprints: readonly string[]; application?: string },
): Promise<ParameterSamples[]> {
  if (fingerprints.length === 0) return [];
  const rows = await reader.rows<{ fingerprint: string; text: string | null; samples: ParameterValues[] }>(
    `
     SELECT   statement.fingerprint, coalesce(told.text, statement.text) AS text, told.samples
     FROM     pitcrew.application_parameters AS told
     JOIN     pitcrew.application_statement AS statement ON statement.id = told.application_statement_id
     JOIN     pitcrew.application ON application.id = statement.application_id
     WHERE    statement.target_id = $1
     AND      statement.fingerprint = ANY ($2::text[])
     AND      ($3::text IS NULL OR application.name = $3)
     ORDER BY told.told_at DESC, statement.id`,
    [targetId, fingerprints, application === undefined ? null : storable(application)],
  );
  return rows.flatMap(({ text, ...row }) => (text === null ? [] : [{ ...row, text }]));
}
