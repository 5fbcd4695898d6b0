import { setImmediate } from 'node:timers/promises';
import { isOwnStatement } from '../../../engine/postgres/index.ts';
import { describe, loadParser, type StatementDescription, type StatementKind } from '../../../sql/index.ts';
import type { ParameterSample, Workload, WorkloadStatement } from './types.ts';

/** A statement as a source knows it. */
export interface Counted {
  id: string;
  /** `null` when it cannot be read. */
  text: string | null;
  callsPerHour: number;
  /** `null` when not measured. */
  meanMs: number | null;
  samples?: readonly ParameterSample[];
  searchPath?: string;
}

/** How many statements a workload has unless more or fewer are asked for. */
export const usualMost = 500;

/** How many to ask a source for: some turn out to be the same statement, to have no plan, or to be our own. */
export const candidates = (most: number): number => most * 2 + 100;

/** Most statements that are named as left out. */
const mostLeftOut = 100;
/** Samples of values that are kept of one statement. */
export const mostSamples = 5;
/** Texts are cut here where they are read. */
const longestText = 100_000;
/** After so long others have their turn. */
const turnMs = 5;

/** What a plan can be made of. */
const planned: ReadonlySet<StatementKind> = new Set(['select', 'insert', 'update', 'delete', 'merge']);

const plannedWords = /^\s*(?:select|with|insert|update|delete|merge|values|table)\b|^\s*\(/i;

interface Group {
  statement: WorkloadStatement;
  description: StatementDescription;
  share: number;
}

/**
 * Makes a workload of what a source has counted: statements that differ in their constants only are one, those of Pitcrew and those that
 * begin and end transactions are not counted at all, and those that have no plan, cannot be read or are beyond `most` are left out and named.
 * @param all what all statements of the source together count, where it knows of more than are given, as `timeOf` counts them.
 */
export async function gather(
  source: Workload['source'],
  counted: readonly Counted[],
  { most = usualMost, all }: { most?: number | undefined; all?: number } = {},
): Promise<Workload> {
  await loadParser();
  const groups = new Map<string, Group>();
  const leftOut: { text: string; reason: string; share: number }[] = [];
  let sum = 0;
  let turn = performance.now();
  for (const each of counted.toSorted((a, b) => timeOf(b) - timeOf(a))) {
    if (performance.now() - turn > turnMs) {
      await setImmediate();
      turn = performance.now();
    }
    if (each.text !== null && isOwnStatement(each.text)) continue;
    const read = each.text === null ? undefined : { text: each.text, description: describe(each.text) };
    // BEGIN and COMMIT are nothing that anything but less work would make quicker.
    if (read?.description.kind === 'transaction') continue;
    const share = timeOf(each);
    sum += share;
    const reason = read ? reasonAgainst(read.text, read.description) : 'its text cannot be read by this role';
    if (!read || reason !== undefined) {
      leftOut.push({ text: each.text ?? '', reason: reason ?? '', share });
      continue;
    }
    const { fingerprint } = read.description;
    const known = groups.get(fingerprint);
    if (known) known.statement = merged(known.statement, each);
    else groups.set(fingerprint, { statement: statementOf(each, read.text), description: read.description, share: 0 });
    const group = groups.get(fingerprint);
    if (group) group.share += share;
  }
  const ordered = [...groups.values()].toSorted((a, b) => b.share - a.share);
  const kept = ordered.slice(0, Math.max(0, most));
  const beyond = ordered.slice(kept.length).map(({ statement, share }) => {
    return { text: statement.text, reason: `it is not among the ${most} that take most`, share };
  });
  const covered = kept.reduce((total, { share }) => total + share, 0);
  const whole = Math.max(all ?? 0, sum);
  return {
    source,
    statements: kept.map(({ statement }) => statement),
    coverage: whole > 0 ? Math.min(1, covered / whole) : 1,
    leftOut: [...leftOut, ...beyond]
      .toSorted((a, b) => b.share - a.share)
      .slice(0, mostLeftOut)
      .map(({ text, reason }) => ({ text, reason })),
  };
}

/** Time per hour, in ms; calls where no time was measured. */
export function timeOf({ callsPerHour, meanMs }: Pick<Counted, 'callsPerHour' | 'meanMs'>): number {
  return callsPerHour * (meanMs ?? 1);
}

function reasonAgainst(text: string, { kind }: StatementDescription): string | undefined {
  if (text.length >= longestText) return 'its text is cut off';
  if (planned.has(kind)) return undefined;
  if (kind === 'empty') return 'its text is empty';
  if (kind === 'several') return 'it is several statements';
  if (kind !== 'unknown') return `it has no plan (${kind})`;
  // The server shows placeholders where the grammar has none (interval $1); what plans such texts knows how.
  if (!plannedWords.test(text)) return 'it has no plan, or is no SQL';
  return /\$\d/.test(text) ? undefined : 'it cannot be parsed, or its text is cut off';
}

function statementOf({ id, callsPerHour, meanMs, samples = [], searchPath }: Counted, text: string): WorkloadStatement {
  const more = searchPath === undefined ? {} : { searchPath };
  return { id, text, samples: samples.slice(0, mostSamples), callsPerHour, meanMs, ...more };
}

/** The text is that of the one which takes most; the other one's values belong to its own text, and may have other numbers. */
function merged(known: WorkloadStatement, more: Counted): WorkloadStatement {
  const callsPerHour = known.callsPerHour + more.callsPerHour;
  const ms = known.meanMs === null || more.meanMs === null ? null : timeOf(known) + timeOf(more);
  const samples = more.text === known.text ? [...known.samples, ...(more.samples ?? [])] : known.samples;
  return {
    ...known,
    samples: samples.slice(0, mostSamples),
    callsPerHour,
    meanMs: ms === null ? null : callsPerHour > 0 ? ms / callsPerHour : 0,
  };
}
