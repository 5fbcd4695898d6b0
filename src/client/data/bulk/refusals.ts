import { messageOf, PitcrewError } from '../../../errors.ts';
import { inSavepoint, type Session } from '../database.ts';
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
  const rejected: RejectedRow[] = [];
  let written = 0;
  // In the order of the source, the next one at the end: a row may be refused for one before it, and the last one of a key counts.
  const pending = split(0, chunk.texts.length, failure);
  for (let range = pending.pop(); range; range = pending.pop()) {
    const [from, to] = range;
    try {
      written += await inSavepoint(session, () => write(plan, session, chunk.texts.slice(from, to)));
    } catch (error) {
      if (!refusesRow(error)) throw error;
      if (to - from === 1) rejected.push(rejection(chunk, from, error as Error));
      else pending.push(...split(from, to, error));
    }
  }
  return { written, rejected };
}

type Range = [from: number, to: number];

/** Parts of a range that failed, the first one last: around the row that COPY names, otherwise halves. */
function split(from: number, to: number, error: unknown): Range[] {
  if (to - from === 1) return [[from, to]];
  const line = copiedLine(error);
  const at = line === undefined ? -1 : from + line;
  const cuts = at >= from && at < to ? [at, at + 1] : [(from + to) >> 1];
  const edges = [...new Set([from, ...cuts, to])];
  return edges
    .slice(1)
    .map((edge, i): Range => [edges[i] as number, edge])
    .toReversed();
}

function rejection(chunk: Chunk, at: number, error: Error): RejectedRow {
  const { code, column, constraint, detail } = error as ServerError;
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
