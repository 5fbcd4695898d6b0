import { expect } from 'vitest';
import pg from 'pg';
import type { Check, CheckContext, Finding, Remedy } from '../../src/ops/advisor/index.ts';

/** What a check found; fails the test where it found nothing. */
export async function findingsOf(check: Check, context: CheckContext): Promise<readonly Finding[]> {
  const answer = await check.run(context);
  expect(answer).toMatchObject({ status: 'found' });
  return answer.status === 'found' ? answer.findings : [];
}

/** The finding with that key; fails the test where there is none. */
export async function findingOf(check: Check, context: CheckContext, key: string): Promise<Finding> {
  const findings = await findingsOf(check, context);
  const finding = findings.find((each) => each.key === key);
  if (!finding) throw new Error(`found ${findings.map((each) => each.key).join(', ')}, not ${key}`);
  return finding;
}

/** The remedy of a finding, which has to have one. */
export function remedyOf({ key, remedy }: Finding): Remedy {
  if (!remedy) throw new Error(`${key} has no remedy`);
  return remedy;
}

/** Runs statements one by one in a session of its own, as whoever applies a remedy does. */
export async function runStatements(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
