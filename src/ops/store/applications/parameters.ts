import type { ClientBase } from 'pg';
import { storable } from '../storable.ts';
import { numberArray, timeArray } from '../write/array-literal.ts';
import { otherFingerprint } from './limits.ts';
import type { PreparedReport, PreparedStatement } from './prepared.ts';
import type { ParameterValues } from './types.ts';

/**
 * Keeps the values that statements are called with, as last told. What is counted among the others has none: they would belong to other
 * texts.
 */
export async function writeParameters(client: ClientBase, reports: readonly PreparedReport[]): Promise<void> {
  const latest = new Map<number, { statement: PreparedStatement; samples: ParameterValues[]; at: number }>();
  for (const { received, statements } of reports) {
    const at = received.at.getTime();
    for (const statement of statements) {
      const samples = statement.parameters.flatMap(storableValues);
      if (samples.length === 0 || at < (latest.get(statement.id)?.at ?? 0)) continue;
      latest.set(statement.id, { statement, samples, at });
    }
  }
  if (latest.size === 0) return;
  const rows = [...latest].toSorted(([a], [b]) => a - b);
  await client.query(
    `
     INSERT INTO pitcrew.application_parameters AS kept (application_statement_id, samples, text, told_at)
     SELECT id, input.samples::jsonb, nullif(input.text, statement.text), input.at
     FROM   unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::timestamptz[])
            AS input (id, fingerprint, text, samples, at)
     JOIN   pitcrew.application_statement AS statement USING (id)
     WHERE  statement.fingerprint = input.fingerprint AND input.fingerprint <> '${otherFingerprint}'
     ORDER  BY id
     ON CONFLICT (application_statement_id) DO UPDATE
     SET    samples = excluded.samples,
            text    = excluded.text,
            told_at = excluded.told_at
     WHERE  kept.told_at <= excluded.told_at`,
    [
      numberArray(rows.map(([id]) => id)),
      rows.map(([, { statement }]) => statement.fingerprint),
      rows.map(([, { statement }]) => storable(statement.text)),
      rows.map(([, { samples }]) => JSON.stringify(samples)),
      timeArray(rows.map(([, { at }]) => at)),
    ],
  );
}

/** A value that cannot be stored as it is is left out: another one in its place would be wrong. */
function storableValues(values: ParameterValues): ParameterValues[] {
  const kept = Object.entries(values).filter(([, value]) => value === null || storable(value) === value);
  return kept.length > 0 ? [Object.fromEntries(kept)] : [];
}
