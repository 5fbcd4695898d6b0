import pg from 'pg';
import { createIndexStatement, type HypotheticalIndex } from '../../../src/ops/whatif/index.ts';
import { inSession, type WorkloadQuery } from '../../../test/support/workloads/index.ts';

export interface MeasuredRound {
  /** Of each statement, in ms; one that was stopped counts with its limit. */
  times: Map<string, number>;
  stopped: number;
  rows: Map<string, number>;
}

/** Builds indexes; `drop` takes them away. @returns their bytes. */
export function build(url: string, indexes: readonly HypotheticalIndex[]): Promise<number> {
  return inSession(url, async (client) => {
    await client.query(`SET maintenance_work_mem = '512MB'`);
    for (const index of indexes) await client.query(createIndexStatement(index, { name: index.id }));
    const { rows } = await client.query<{ bytes: number }>(
      'SELECT coalesce(sum(pg_relation_size(quote_ident(name)::regclass)), 0)::float8 AS bytes FROM unnest($1::text[]) AS name',
      [indexes.map(({ id }) => id)],
    );
    return rows[0]?.bytes ?? 0;
  });
}

export function drop(url: string, indexes: readonly HypotheticalIndex[]): Promise<void> {
  return inSession(url, async (client) => {
    for (const { id } of indexes) await client.query(`DROP INDEX ${pg.escapeIdentifier(id)}`);
  });
}

/** Runs every statement once. What it reads is in memory after the first round. */
export function runOnce(url: string, queries: readonly WorkloadQuery[], timeoutMs: number): Promise<MeasuredRound> {
  return inSession(url, async (client) => {
    await client.query(`SET statement_timeout = ${timeoutMs}`);
    const round: MeasuredRound = { times: new Map(), stopped: 0, rows: new Map() };
    for (const { id, text, samples = [] } of queries) {
      const began = performance.now();
      try {
        const { rowCount } = await client.query(text, [...(samples[0] ?? [])]);
        round.times.set(id, performance.now() - began);
        round.rows.set(id, rowCount ?? 0);
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || error.code !== '57014') throw error;
        round.stopped += 1;
        round.times.set(id, timeoutMs);
      }
    }
    return round;
  });
}

export function totalOf({ times }: MeasuredRound): number {
  return [...times.values()].reduce((sum, ms) => sum + ms, 0);
}
