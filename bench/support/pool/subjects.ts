import knex from 'knex';
import pg from 'pg';
import postgres from 'postgres';
import { createPool, sql as slonikSql } from 'slonik';
import { createTelemetry } from '../../../src/client/telemetry/index.ts';
import { Pool, type PoolOptions } from '../../../src/index.ts';
import { type Account, statements, type Turn } from './workload.ts';

/** Connections that each subject may have. */
export const connections = 20;

/** One library, set up and called as its users do. Answers are the library's own; `rows` and `changed` read them. */
export interface Subject {
  point(id: number): PromiseLike<unknown>;
  update(id: number): PromiseLike<unknown>;
  ten(branch: number): PromiseLike<unknown>;
  slow(): PromiseLike<unknown>;
  rows(answer: unknown): readonly Account[];
  /** How many rows an update changed. */
  changed(answer: unknown): number;
  end(): Promise<unknown>;
}

type Open = (url: string, turn: Turn, queued: (ms: number) => void) => Promise<Subject> | Subject;

/** The part of an answer that libraries on top of `pg` share. */
interface PgAnswer {
  rows: Account[];
  rowCount: number;
}

const readsAsPg = {
  rows: (answer: unknown): Account[] => (answer as PgAnswer).rows,
  changed: (answer: unknown): number => (answer as PgAnswer).rowCount,
};

/** Works for `pg.Pool` and whatever takes its place. */
function unnamed(pool: Pick<pg.Pool, 'query' | 'end'>, { slow }: Turn): Subject {
  return {
    point: (id) => pool.query(statements.point, [id]),
    update: (id) => pool.query(statements.update, [id]),
    ten: (branch) => pool.query(statements.ten, [branch]),
    slow: () => pool.query(slow),
    ...readsAsPg,
    end: () => pool.end(),
  };
}

function named(pool: pg.Pool, { slow }: Turn): Subject {
  return {
    point: (id) => pool.query({ name: 'point', text: statements.point, values: [id] }),
    update: (id) => pool.query({ name: 'update', text: statements.update, values: [id] }),
    ten: (branch) => pool.query({ name: 'ten', text: statements.ten, values: [branch] }),
    slow: () => pool.query({ name: 'slow', text: slow }),
    ...readsAsPg,
    end: () => pool.end(),
  };
}

function pitcrew(url: string, turn: Turn, observer: PoolOptions['observer']): Subject {
  // Whoever waits, waits, as with the others: a thousand callers of whom many want the slow statement wait for long.
  const pool = new Pool({ connectionString: url, max: connections, connectionTimeoutMillis: 0, observer });
  return unnamed(pool as unknown as pg.Pool, turn);
}

function postgresJs(url: string, { slow }: Turn): Subject {
  const sql = postgres(url, { max: connections, onnotice: () => {} });
  return {
    point: (id) => sql`SELECT id, name, balance FROM accounts WHERE id = ${id}`,
    update: (id) => sql`UPDATE accounts SET balance = balance + 1 WHERE id = ${id}`,
    ten: (branch) => sql`SELECT id, branch_id, name, balance, opened_at FROM accounts WHERE branch_id = ${branch}`,
    slow: () => sql.unsafe(slow, [], { prepare: true }),
    rows: (answer) => answer as Account[],
    changed: (answer) => (answer as { count: number }).count,
    end: () => sql.end(),
  };
}

async function slonik(url: string, { slow }: Turn): Promise<Subject> {
  const pool = await createPool(url, { maxPoolSize: connections, connectionTimeout: 'DISABLE_TIMEOUT' });
  const { unsafe } = slonikSql;
  return {
    point: (id) => pool.query(unsafe`SELECT id, name, balance FROM accounts WHERE id = ${id}`),
    update: (id) => pool.query(unsafe`UPDATE accounts SET balance = balance + 1 WHERE id = ${id}`),
    ten: (branch) =>
      pool.query(unsafe`SELECT id, branch_id, name, balance, opened_at FROM accounts WHERE branch_id = ${branch}`),
    slow: () => pool.query({ ...unsafe``, sql: slow }),
    ...readsAsPg,
    end: () => pool.end(),
  };
}

function knexJs(url: string, { slow }: Turn): Subject {
  const db = knex({ client: 'pg', connection: url, pool: { min: 0, max: connections } });
  return {
    point: (id) => db('accounts').select('id', 'name', 'balance').where('id', id),
    update: (id) => db('accounts').where('id', id).increment('balance', 1),
    ten: (branch) =>
      db('accounts').select('id', 'branch_id', 'name', 'balance', 'opened_at').where('branch_id', branch),
    slow: () => db.raw(slow),
    rows: (answer) => (Array.isArray(answer) ? answer : (answer as PgAnswer).rows) as Account[],
    changed: (answer) => answer as number,
    end: () => db.destroy(),
  };
}

const pgPool = (url: string): pg.Pool => new pg.Pool({ connectionString: url, max: connections });

const observing = (queued: (ms: number) => void): NonNullable<PoolOptions['observer']> => ({
  statementEnded: (_started, { queuedMs }) => queued(queuedMs),
});

/** Every subject by name, in the order of the tables. */
export const subjects = {
  Pitcrew: (url, turn, queued) => pitcrew(url, turn, turn.watchQueue ? observing(queued) : createTelemetry()),
  'Pitcrew, telemetry off': (url, turn) => pitcrew(url, turn, undefined),
  'pg.Pool, named': (url, turn) => named(pgPool(url), turn),
  'pg.Pool, unnamed': (url, turn) => unnamed(pgPool(url), turn),
  'postgres.js': postgresJs,
  slonik,
  knex: knexJs,
} satisfies Record<string, Open>;

export type SubjectName = keyof typeof subjects;
