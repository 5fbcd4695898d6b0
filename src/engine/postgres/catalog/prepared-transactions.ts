import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** A transaction prepared for two-phase commit; it holds its locks and row versions until someone ends it. */
export interface PreparedTransactionRow {
  gid: string;
  database: string;
  owner: string;
  preparedAt: Date;
  /** Transactions begun since. */
  xidAge: number;
}

export async function readPreparedTransactions(
  connection: DatabaseConnection,
): Promise<Reading<PreparedTransactionRow>> {
  return read<PreparedTransactionRow>(
    connection,
    'prepared transactions',
    `
    SELECT gid              AS "gid",
           database         AS "database",
           owner            AS "owner",
           prepared         AS "preparedAt",
           age(transaction) AS "xidAge"
      FROM pg_prepared_xacts
    `,
  );
}
