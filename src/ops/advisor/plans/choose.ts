import { describe } from '../../../sql/index.ts';

/** A statement that may be planned. */
export interface Candidate {
  id: number;
  text: string | null;
  key: { database: string; toplevel: boolean };
}

/** When a statement was planned last, and until when it is left alone because it could not be. */
export interface Planned {
  at: number;
  notBefore: number;
}

/** Statements that can be planned: of this database, sent by an application, of a kind that has a plan. */
export function isPlannable({ text, key }: Candidate, database: string | undefined): boolean {
  if (text === null || !key.toplevel || key.database !== database) return false;
  const { kind } = describe(text);
  // What the parser refuses may be a text with $1 where the grammar has no parameter, which planning can mend.
  return (
    /^(?:select|insert|update|delete|merge)$/.test(kind) ||
    (kind === 'unknown' && /^\s*(?:select|with|insert|update|delete|merge)\b/i.test(text))
  );
}

/** Those that were planned longest ago, the busiest of them first. Candidates come in the order of their time. */
export function choose<Each extends Candidate>(
  candidates: readonly Each[],
  planned: ReadonlyMap<number, Planned>,
  now: number,
  most: number,
): Each[] {
  return candidates
    .filter(({ id }) => (planned.get(id)?.notBefore ?? 0) <= now)
    .map((candidate, place) => ({ candidate, place, at: planned.get(candidate.id)?.at ?? -Infinity }))
    .toSorted((a, b) => (a.at === b.at ? a.place - b.place : a.at < b.at ? -1 : 1))
    .slice(0, most)
    .map(({ candidate }) => candidate);
}
