import type pg from 'pg';
import { backendPid } from '../driver.ts';
import { rawConfig } from '../raw-result.ts';
import type { PrefaceStatement } from './preface.ts';
import type { Statement } from './statement.ts';

/** Tells the answer; of another session than ours, to which a pooler has led, it says nothing of the statement behind it. */
function tell({ answered }: PrefaceStatement, row: unknown, client: pg.ClientBase): void {
  const told = row as readonly (string | null)[] | undefined;
  answered(Number(told?.at(-1)) === backendPid(client) ? told : undefined);
}

/** Asks on a connection that nothing else uses, then goes on. */
export function ask(preface: PrefaceStatement, client: pg.ClientBase, then: () => void): void {
  const { record, values } = preface;
  client.query(
    { text: record.text, values: [...values], ...rawConfig },
    (_error: Error | null, result: pg.QueryResult | undefined) => {
      tell(preface, result?.rows[0], client);
      then();
    },
  );
}

/** The preface as a statement of its own, for a shared connection. */
export function asStatement(preface: PrefaceStatement, { startedAt }: Statement, client: pg.ClientBase): Statement {
  const { record, values } = preface;
  return {
    access: 'auto',
    scope: undefined,
    record,
    values: [...values],
    config: { text: record.text, ...rawConfig },
    preface: undefined,
    startedAt,
    endpoint: undefined,
    sentAt: startedAt,
    endedAt: 0,
    attempts: 1,
    settled: false,
    shared: true,
    cancel: undefined,
    waiting: undefined,
    resolve: (result) => tell(preface, result.rows[0], client),
    reject: () => tell(preface, undefined, client),
  };
}
