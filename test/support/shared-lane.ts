import { expect } from 'vitest';
import type { PoolObserver, StatementOutcome } from '../../src/client/observer.ts';
import type { Pool } from '../../src/client/pool/index.ts';

/** Keeps what the pool tells of its statements. */
export function outcomes(): PoolObserver & { seen: StatementOutcome[] } {
  const seen: StatementOutcome[] = [];
  return { seen, statementEnded: (_, outcome) => void seen.push(outcome) };
}

/** Runs each statement until it goes through a shared connection. */
export async function warmLane(
  pool: Pool,
  { seen }: ReturnType<typeof outcomes>,
  statements: readonly [text: string, values: unknown[]][],
): Promise<void> {
  for (const [text, values] of statements) {
    await expect
      .poll(
        async () => {
          await pool.query(text, values);
          return seen.at(-1)?.lane;
        },
        { timeout: 20_000 },
      )
      .toBe(true);
  }
  seen.length = 0;
}
