import { statementPattern } from '../../../../sql/index.ts';
import type { History, StoredAdvice, TimeRange } from '../../../store/index.ts';
import type { Finding } from '../../types.ts';
import { shapeOf } from '../apply/shape.ts';
import { statementsIn } from '../apply/statements-in.ts';
import type { MeasuredStatement } from './verdict.ts';

/** A statement that is measured, and the store's numbers of it: one for each role that runs it. */
export interface Concerned extends Pick<MeasuredStatement, 'queryId' | 'text' | 'role'> {
  ids: number[];
}

/** Statements that take the most time are looked at, and so many of them are measured. */
const mostSeen = 500;
const mostMeasured = 60;

const writes = new Set(['insert', 'update', 'delete', 'merge']);

/**
 * Statements that a change of indexes concerns: those whose plans it was to change, and writes of the table, which pay for it. Where no
 * plans were made beforehand, all statements of the table.
 */
export async function concernedBy(
  history: History,
  { targetId, from, to, database }: TimeRange & { targetId: number; database: string },
  advice: StoredAdvice,
): Promise<Concerned[]> {
  const planned = new Set(((advice.finding as Finding).affected ?? []).map(({ id }) => id));
  const table = tableOf(advice);
  const { statements } = await history.statements({
    targetId,
    from,
    to,
    database,
    orderBy: 'totalExecUs',
    limit: mostSeen,
  });
  const found = new Map<string, Concerned>();
  for (const { id, key, text } of statements) {
    const { queryId } = key;
    const known = found.get(queryId);
    const isPlanned = planned.has(queryId) || planned.has(String(id));
    if (known) {
      known.ids.push(id);
      if (isPlanned) known.role = 'planned';
      continue;
    }
    const role = isPlanned ? 'planned' : roleOf(text, table);
    if (role !== undefined) found.set(queryId, { queryId, text: text ?? '', role, ids: [id] });
  }
  const all = [...found.values()];
  const isKnown = all.some(({ role }) => role === 'planned');
  return all.filter(({ role }) => !isKnown || role !== 'other').slice(0, mostMeasured);
}

interface Table {
  schema: string | undefined;
  name: string;
}

function tableOf(advice: StoredAdvice): Table | undefined {
  const { subject } = advice.finding as Finding;
  if (subject.table !== undefined) return { schema: subject.schema, name: subject.table };
  if (subject.kind === 'table') return { schema: subject.schema, name: subject.name };
  const table = statementsIn(advice, 'apply')
    .map((statement) => shapeOf(statement).table)
    .find((each) => each !== null);
  return table ? { schema: table.schema ?? undefined, name: table.name } : undefined;
}

function roleOf(text: string | null, table: Table | undefined): MeasuredStatement['role'] | undefined {
  if (text === null || table === undefined) return undefined;
  const { kind, tables } = statementPattern(text);
  const named = new Set([table.name, `${table.schema ?? 'public'}.${table.name}`].map(bare));
  if (!tables.some((each) => named.has(bare(each)))) return undefined;
  if (writes.has(kind)) return 'write';
  return kind === 'select' ? 'other' : undefined;
}

/** Patterns quote names where they must. */
function bare(name: string): string {
  return name.replaceAll('"', '');
}
