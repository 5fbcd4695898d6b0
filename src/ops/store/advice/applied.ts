import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import { tableOfFinding } from './advice.ts';
import type { AdviceStore, AppliedAdvice } from './types.ts';

/** A chart cannot show more. */
const most = 50;

/** When advice about tables or statements was applied or undone in a range, the latest first. */
export function readApplied(
  reader: Reader,
  { targetId, from, to, tables, queryIds = [] }: Parameters<AdviceStore['applied']>[0],
): Promise<AppliedAdvice[]> {
  // Few pieces of advice were ever applied: only their documents are looked into.
  return reader.rows<AppliedAdvice>(
    `
     SELECT   at, to_state AS "what", advice.id, kind, finding->>'title' AS title
     FROM     pitcrew.advice
     JOIN     pitcrew.advice_event ON advice_id = advice.id
     WHERE    target_id = $1
       AND    applied_at IS NOT NULL
       AND    to_state IN ('applied', 'undone')
       AND    at >= $2 AND at < $3
       AND    (${tableOfFinding} = ANY ($4)
               OR concat_ws('.', finding->'subject'->>'schema', ${tableOfFinding}) = ANY ($4)
               OR EXISTS (SELECT FROM jsonb_array_elements(finding->'affected') AS affected
                          WHERE  affected->>'id' = ANY ($5)))
     ORDER BY at DESC, advice_event.id DESC
     LIMIT    ${most}`,
    [targetId, from, to, tables.map(storable), queryIds],
  );
}
