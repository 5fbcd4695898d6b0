import { expect } from 'vitest';
import {
  type CheckAnswer,
  type Finding,
  openCheckContext,
  type OpenCheckContextOptions,
  runChecks,
} from '../../src/ops/advisor/index.ts';
import type { TestDatabase } from './postgres.ts';

type AskOptions = Omit<OpenCheckContextOptions, 'url'>;

/** What one check answers about a database. */
export async function ask(url: string, check: string, options: AskOptions = {}): Promise<CheckAnswer> {
  await using context = await openCheckContext({ url, ...options });
  const [result] = await runChecks(context, { only: [check] });
  if (!result) throw new Error(`no check ${check}`);
  return result.answer;
}

/** Findings of an answer; fails when it is another answer. */
export function found(answer: CheckAnswer): readonly Finding[] {
  if (answer.status !== 'found') throw new Error(`not found but ${JSON.stringify(answer)}`);
  return answer.findings;
}

/** Names of what was found, sorted; empty when all is fine. Fails when it is not known. */
export function foundNames(answer: CheckAnswer): string[] {
  if (answer.status === 'fine') return [];
  return found(answer)
    .map(({ subject }) => subject.name)
    .toSorted();
}

/**
 * Runs the fix of every finding, sees that the check finds nothing any more, then the undo, and sees that it finds the same
 * again where there is one. Every remedy must be appliable.
 */
export async function expectFixAndUndo(database: TestDatabase, check: string, options: AskOptions = {}): Promise<void> {
  const before = found(await ask(database.url, check, options));
  const remedies = before.map(({ key, remedy }) => {
    expect(remedy?.appliable, key).toBe(true);
    return { fix: remedy?.fix ?? [], undo: remedy?.undo ?? [] };
  });
  // Findings may share a remedy.
  const fixes = new Set(remedies.flatMap(({ fix }) => fix));
  for (const statement of fixes) await database.query(statement);
  const after = await ask(database.url, check, options);
  expect(after.status, JSON.stringify(after)).toBe('fine');
  const undos = new Set(remedies.toReversed().flatMap(({ undo }) => undo));
  for (const statement of undos) await database.query(statement);
  const again = await ask(database.url, check, options);
  const keys = (answer: CheckAnswer): string[] =>
    answer.status === 'found' ? answer.findings.map(({ key }) => key).toSorted() : [];
  const expected = before.filter((_, position) => (remedies[position]?.undo.length ?? 0) > 0).map(({ key }) => key);
  expect(keys(again)).toEqual(expected.toSorted());
}

/** VACUUM, ANALYZE or both, when what the session did before is counted and before it is counted what comes after. */
export async function counted(database: TestDatabase, ...statements: string[]): Promise<void> {
  for (const statement of ['', ...statements]) {
    if (statement) await database.query(statement);
    await database.query(`SELECT pg_stat_force_next_flush()`);
  }
}
