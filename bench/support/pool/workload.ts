/** What is asked of every subject, word for word where the subject takes SQL. */

/** Rows of the table `accounts`; ten of them belong to each branch. */
export const accountCount = 100_000;
export const branchCount = accountCount / 10;

export const caseNames = ['point', 'update', 'ten', 'mixed'] as const;
export type CaseName = (typeof caseNames)[number];

export const caseTitles: Readonly<Record<CaseName, string>> = {
  point: 'point select',
  update: 'one-row update',
  ten: '10-row select',
  mixed: 'mixed, 1 % slow',
};

/** One statement in so many of the mixed case is slow. */
export const slowEvery = 100;

export const statements = {
  point: 'SELECT id, name, balance FROM accounts WHERE id = $1',
  update: 'UPDATE accounts SET balance = balance + 1 WHERE id = $1',
  ten: 'SELECT id, branch_id, name, balance, opened_at FROM accounts WHERE branch_id = $1',
};

/** A report over the first accounts: their number decides how long it takes. */
export function slowStatement(accounts: number): string {
  return `
    SELECT branch_id % 10 AS bucket, count(*)::int AS accounts, max(md5(name)) AS largest
      FROM accounts
     WHERE id <= ${accounts}
     GROUP BY 1
  `;
}

/** Any row of `accounts`, as far as a statement returns it. */
export interface Account {
  id: number;
  branch_id?: number;
  name: string;
  balance: number;
}

export const nameOf = (id: number): string => `account ${id}`;

/** What a worker is told to do once. */
export interface Turn {
  case: CaseName;
  callers: number;
  warmUpMs: number;
  measureMs: number;
  /** The slow statement of the mixed case. */
  slow: string;
  /** Measure how long statements wait for a connection; only where the subject can tell. */
  watchQueue: boolean;
}

/** What a turn gave. Times in ms. */
export interface TurnResult {
  perSecond: number;
  /** From the call to the result; in the mixed case of the quick statements only. */
  p50: number;
  p99: number;
  /** From the call until a connection had taken the statement. */
  queuedP95: number | undefined;
  /** Statements that failed or returned something else than they should, of all that were run. */
  errors: number;
  firstError: string | undefined;
  /** Statements that were answered without an error, warming up included: each is a transaction, which the server has counted too. */
  answered: number;
}
