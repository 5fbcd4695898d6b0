import { messageOf, PitcrewError } from '../../../errors.ts';
import { inSavepoint, type Session } from '../database.ts';
import type { Text } from '../values.ts';
import type { Chunk } from './chunks.ts';
import { copiedColumn, copiedLine } from './copy-in.ts';
import type { RejectedRow } from './options.ts';
import { type Plan, write } from './plan.ts';

interface ServerError {
  code?: string;
  routine?: string;
  column?: string;
  constraint?: string;
  detail?: string;
}

/**
 * Whether the server refuses a row for what is in it: data exceptions (22), integrity (23), WITH CHECK OPTION (44), what triggers
 * raise (P0001), values too long for an index (54000), and row-level security, whose code is that of missing rights. Everything
 * else, such as time limits, deadlocks and lost connections, says nothing about rows.
 */
export function refusesRow(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, routine } = error as ServerError;
  if (code === '42501') return routine === 'ExecWithCheckOptions';
  return typeof code === 'string' && (/^(22|23|44)[0-9A-Z]{3}$/.test(code) || code === 'P0001' || code === '54000');
}

/** Writes what can be written of a chunk that failed as a whole. */
export async function writeRest(
  plan: Plan,
  session: Session,
  chunk: Chunk,
  failure: unknown,
): Promise<{ written: number; rejected: RejectedRow[] }> {
  const all = chunk.texts.map((_, at) => at);
  let { written, refused } = await writeParts(plan, session, chunk, split(all, failure));
  // Of rows that name each other one may have been tried before the one that it names: so once more, the last one first, and so on.
  // Not of updates: they would undo later ones.
  for (let round = 1; plan.inserts && round <= orphanRounds; round++) {
    const orphans = refused
      .filter(isOrphan)
      .map(({ at }) => at)
      .toSorted((one, other) => (round % 2 ? other - one : one - other));
    if (orphans.length === 0) break;
    const again = await writeParts(plan, session, chunk, [orphans]);
    if (again.written === 0) break;
    written += again.written;
    refused = [...refused.filter((each) => !isOrphan(each)), ...again.refused];
  }
  return { written, rejected: refused.map(({ at, error }) => rejection(chunk, at, error)) };
}

interface Refused {
  /** Of the chunk, from 0. */
  at: number;
  error: Error & ServerError;
}

/** How often rows are tried again that were refused for a foreign key, each time in the other direction. */
const orphanRounds = 4;

/** Refused for a foreign key. */
const isOrphan = ({ error }: Refused): boolean => error.code === '23503';

/** Writes parts of a chunk, the last one first, each by ever smaller ones when it is refused. */
async function writeParts(
  plan: Plan,
  session: Session,
  chunk: Chunk,
  pending: number[][],
): Promise<{ written: number; refused: Refused[] }> {
  const refused: Refused[] = [];
  let written = 0;
  // In the order of the source: a row may be refused for one before it, and the last one of a key counts.
  for (let part = pending.pop(); part; part = pending.pop()) {
    const texts = part.map((at) => chunk.texts[at] as Text[]);
    try {
      written += await inSavepoint(session, () => write(plan, session, texts));
    } catch (error) {
      if (!refusesRow(error)) throw error;
      if (part.length > 1) pending.push(...split(part, error));
      else refused.push({ at: part[0] as number, error: error as Error });
    }
  }
  return { written, refused };
}

/** Parts of what failed, the first one last: around the row that COPY names, otherwise halves. */
function split(rows: number[], error: unknown): number[][] {
  if (rows.length === 1) return [rows];
  const at = copiedLine(error);
  const cuts = at !== undefined && at < rows.length ? [at, at + 1] : [rows.length >> 1];
  const edges = [...new Set([0, ...cuts, rows.length])];
  return edges
    .slice(1)
    .map((edge, i) => rows.slice(edges[i], edge))
    .toReversed();
}

function rejection(chunk: Chunk, at: number, error: Error & ServerError): RejectedRow {
  const { code, column, constraint, detail } = error;
  return {
    index: chunk.indexes[at] as number,
    row: chunk.rows[at] as object,
    column: column ?? copiedColumn(error),
    constraint,
    sqlState: code,
    reason: messageOf(error),
    detail,
  };
}

/** The error of all that failed because of one row, with the row as far as it is known. Other errors stay what they are. */
export function refusal(plan: Plan, chunk: Chunk, error: unknown): unknown {
  if (!refusesRow(error)) return error;
  const line = copiedLine(error);
  const [first, last] = [chunk.indexes[0], chunk.indexes.at(-1)];
  const at = line === undefined ? undefined : chunk.indexes[line];
  const where = at === undefined && first !== last ? `Rows ${first} to ${last}` : `Row ${at ?? first}`;
  return new PitcrewError('E_QUERY', `the server refused rows of a ${plan.name}`, {
    detail: `${where}: ${messageOf(error)}.`,
    hint: "Nothing was written. With mode: 'perChunk' such rows are left out and reported.",
    sqlState: (error as ServerError).code,
    cause: error,
  });
}
