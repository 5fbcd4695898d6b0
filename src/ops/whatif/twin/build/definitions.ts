import pg from 'pg';
import { messageOf } from '../../../../errors.ts';

/** A statement that makes one object on the twin. */
export interface Definition {
  subject: string;
  sql: string;
  /** Made in its place when it cannot be made whole, and what is then missing. */
  fallback?: { sql: string; missing: string };
}

export interface Failure {
  definition: Definition;
  reason: string;
}

const batchSize = 100;

/**
 * Makes objects in the given order. Those that fail are tried again after the others, as long as that helps: what they depend
 * on may come later. Many go to the server in one text, which is one transaction; when one of them fails, each half is tried again.
 * @returns what could not be made, and why.
 */
export async function makeAll(
  session: pg.Client,
  definitions: readonly Definition[],
  onMade: (count: number) => void = () => {},
): Promise<Failure[]> {
  let pending: readonly Definition[] = definitions;
  let failures: Failure[] = [];
  for (;;) {
    failures = [];
    for (let start = 0; start < pending.length; start += batchSize) {
      failures.push(...(await makeBatch(session, pending.slice(start, start + batchSize), onMade)));
    }
    if (failures.length === 0 || failures.length === pending.length) break;
    pending = failures.map(({ definition }) => definition);
  }
  const fallbacks = failures.flatMap(({ definition }) =>
    definition.fallback ? [{ subject: definition.subject, sql: definition.fallback.sql }] : [],
  );
  if (fallbacks.length === 0) return failures;
  const fell = await makeAll(session, fallbacks, onMade);
  const lost = new Set(fell.map(({ definition }) => definition.subject));
  const kept = failures.filter(({ definition }) => definition.fallback && !lost.has(definition.subject));
  const whole = failures.filter(({ definition }) => !kept.some((each) => each.definition === definition));
  // With their tables there now, objects that waited for them may be made after all.
  const again = await makeAll(
    session,
    whole.filter(({ definition }) => !definition.fallback).map((each) => each.definition),
    onMade,
  );
  return [
    ...kept.map(({ definition, reason }) => ({
      definition: { ...definition, subject: definition.fallback?.missing ?? definition.subject },
      reason,
    })),
    ...whole.filter(({ definition }) => definition.fallback),
    ...again,
  ];
}

async function makeBatch(
  session: pg.Client,
  definitions: readonly Definition[],
  onMade: (count: number) => void,
): Promise<Failure[]> {
  try {
    await session.query(definitions.map(({ sql }) => sql).join(';\n'));
    onMade(definitions.length);
    return [];
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    const [only] = definitions;
    if (definitions.length === 1 && only) return [{ definition: only, reason: messageOf(error) }];
  }
  const middle = Math.ceil(definitions.length / 2);
  return [
    ...(await makeBatch(session, definitions.slice(0, middle), onMade)),
    ...(await makeBatch(session, definitions.slice(middle), onMade)),
  ];
}
