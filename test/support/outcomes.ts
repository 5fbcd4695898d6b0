import type { StatementDescription } from '../../src/sql/index.ts';
import type { StatementOutcome } from '../../src/client/observer.ts';
import type { Telemetry } from '../../src/client/telemetry/index.ts';

/** What a description of a statement looks like; each number is another one. */
export function statement(id: number): StatementDescription {
  return {
    kind: 'select',
    readOnly: true,
    session: false,
    single: true,
    read: [{ schema: undefined, name: `table_${id}` }],
    written: [],
    effects: undefined,
    fingerprint: (id + 1).toString(16),
    normalized: `SELECT * FROM table_${id} WHERE id = $1`,
    reason: undefined,
  };
}

export function outcomeOf(
  description: StatementDescription | undefined,
  outcome: Partial<StatementOutcome> = {},
): StatementOutcome {
  return {
    description,
    text: '',
    values: undefined,
    queuedMs: 0,
    durationMs: 1,
    rows: outcome.error ? 0 : 1,
    error: undefined,
    endpoint: 'localhost:5432',
    role: 'primary',
    lane: false,
    ...outcome,
  };
}

/** Tells of a statement's beginning and end, as the pool does. */
export function endStatement(
  telemetry: Telemetry,
  description: StatementDescription | undefined,
  outcome: Partial<StatementOutcome> = {},
): void {
  telemetry.statementEnded(telemetry.statementStarted(description), outcomeOf(description, outcome));
}
