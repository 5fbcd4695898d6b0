import type pg from 'pg';
import type { StatementDescription } from '../../../sql/index.ts';
import type { StatementOutcome } from '../../observer.ts';
import type { Statement } from './statement.ts';

/** How far a statement has come. */
type Progress = Pick<Statement, 'record' | 'startedAt' | 'sentAt' | 'endedAt' | 'endpoint' | 'shared'> & {
  readonly values: readonly unknown[] | undefined;
};

/** What observers are told of a statement that has ended. */
export function outcomeOf(
  { record, values, startedAt, sentAt, endedAt, endpoint, shared }: Progress,
  error: Error | undefined,
  result: pg.QueryResult | undefined,
): StatementOutcome {
  const now = endedAt || performance.now();
  return {
    description: record.description,
    text: record.text,
    values,
    queuedMs: (sentAt === 0 ? now : sentAt) - startedAt,
    durationMs: now - startedAt,
    rows: result ? rowsOf(result) : 0,
    error,
    endpoint: endpoint?.name ?? '',
    role: endpoint?.role ?? 'primary',
    lane: shared,
  };
}

/** What is not known to change nothing has changed nothing all the same where a replica ran it. */
export function mayHaveWritten(
  description: StatementDescription | undefined,
  endpoint: Statement['endpoint'],
): boolean {
  return !description?.readOnly && endpoint?.role !== 'replica';
}

function rowsOf(result: pg.QueryResult | pg.QueryResult[]): number {
  return Array.isArray(result) ? result.reduce((sum, one) => sum + (one.rowCount ?? 0), 0) : (result.rowCount ?? 0);
}
