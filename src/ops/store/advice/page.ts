import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import { adviceColumns } from './advice.ts';
import type { AdviceFacets, AdviceOrder, AdvicePage, AdvicePageQuery, AdviceState, StoredAdvice } from './types.ts';

const stateOrder =
  "ARRAY['applying', 'undoing', 'measuring', 'applied', 'failed', 'planned', 'found', 'kept', 'undone', 'dismissed', 'resolved']";

/** What a list is ordered by, the first first. */
const orders: Readonly<Record<AdviceOrder, readonly string[]>> = {
  severity: ["array_position(ARRAY['info', 'warning', 'critical'], severity)"],
  title: ["lower(finding->>'title')"],
  kind: ["nullif(kind, '')"],
  gain: ['msPerHour', 'workloadShare', 'bytes'].map((name) => `(finding->'gain'->>'${name}')::float8`),
  risk: ["array_position(ARRAY['low', 'medium', 'high'], finding->'remedy'->>'risk')"],
  state: [`array_position(${stateOrder}, state)`],
  stateSince: ['state_since'],
  firstSeen: ['first_seen'],
};

/** What is searched: title, "schema.table" and the name. Not LIKE: "_" is common in names and means itself here. */
const searched = `
            lower(concat_ws(' ', finding->>'title',
                            concat_ws('.', finding->'subject'->>'schema', finding->'subject'->>'table'),
                            concat_ws('.', finding->'subject'->>'schema', finding->'subject'->>'name')))`;

/** A page of what fits, and how much there is. */
export async function readPage(reader: Reader, query: AdvicePageQuery): Promise<AdvicePage> {
  const { targetId, severity, kind, check, search, limit, offset } = query;
  const text = search ? storable(search) : null;
  const direction = query.descending ? 'DESC' : 'ASC';
  const order = orders[query.orderBy].map((expression) => `${expression} ${direction} NULLS LAST`);
  const [advice, groups] = await Promise.all([
    reader.rows<StoredAdvice>(
      `
       SELECT ${adviceColumns}
       FROM     pitcrew.advice
       WHERE    target_id = $1
         AND    CASE WHEN $2::text[] IS NULL THEN state <> 'resolved' ELSE state = ANY ($2) END
         AND    ($3::text IS NULL OR severity = $3)
         AND    ($4::text IS NULL OR kind = $4)
         AND    ($5::text IS NULL OR check_id = $5)
         AND    ($6::text IS NULL OR strpos(${searched}, lower($6)) > 0)
       ORDER BY ${order.join(', ')}, first_seen DESC, id
       LIMIT    $7
       OFFSET   $8`,
      [targetId, query.states ?? null, severity ?? null, kind ?? null, check ?? null, text, limit, offset],
    ),
    reader.rows<Group & Record<string, unknown>>(
      `
       SELECT   state, severity, kind, check_id AS "check", count(*)::integer AS "all",
                count(*) FILTER (WHERE $2::text IS NULL OR strpos(${searched}, lower($2)) > 0)::integer AS searched
       FROM     pitcrew.advice
       WHERE    target_id = $1
       GROUP BY state, severity, kind, check_id`,
      [targetId, text],
    ),
  ]);
  return { advice, ...countsOf(groups, query) };
}

/** How much advice there is that is alike, and how much of it fits the search. */
interface Group {
  state: AdviceState;
  severity: StoredAdvice['severity'];
  kind: string;
  check: string;
  all: number;
  searched: number;
}

function countsOf(
  groups: readonly Group[],
  { states, severity, kind, check }: AdvicePageQuery,
): Omit<AdvicePage, 'advice'> {
  const counts: AdviceFacets['states'] = {};
  const facets: AdviceFacets = { states: {}, severities: {}, kinds: {}, checks: {} };
  let count = 0;
  for (const group of groups) {
    const ofState = states === undefined ? group.state !== 'resolved' : states.includes(group.state);
    const ofSeverity = severity === undefined || group.severity === severity;
    const ofKind = kind === undefined || group.kind === kind;
    const ofCheck = check === undefined || group.check === check;
    add(counts, group.state, group.all);
    if (group.searched === 0) continue;
    if (ofState && ofSeverity && ofKind && ofCheck) count += group.searched;
    if (ofSeverity && ofKind && ofCheck) add(facets.states, group.state, group.searched);
    if (ofState && ofKind && ofCheck) add(facets.severities, group.severity, group.searched);
    if (ofState && ofSeverity && ofCheck) add(facets.kinds, group.kind, group.searched);
    if (ofState && ofSeverity && ofKind) add(facets.checks, group.check, group.searched);
  }
  return { count, counts, facets };
}

function add<Key extends string>(counts: Partial<Record<Key, number>>, key: Key, count: number): void {
  counts[key] = (counts[key] ?? 0) + count;
}
