import { filledBy, indexOn, runAll, type WorkloadQuery, type WorkloadSchema } from '../types.ts';

/** Accounts at scale 1, about 1 GB with all else. */
const accountsAtOne = 6_000_000;

const samples = (values: (n: number) => (string | null)[]): (string | null)[][] => [11, 503, 77].map((n) => values(n));

const queries: readonly WorkloadQuery[] = [
  {
    id: 'B01 move money',
    text: 'UPDATE accounts SET balance = balance + $1 WHERE account_id = $2',
    samples: samples((n) => [String(n), String(n)]),
    weight: 100,
  },
  {
    id: 'B02 read a balance',
    text: 'SELECT balance FROM accounts WHERE account_id = $1',
    samples: samples((n) => [String(n)]),
    weight: 100,
  },
  {
    id: 'B03 count the drawer',
    text: 'UPDATE tellers SET balance = balance + $1 WHERE teller_id = $2',
    samples: samples((n) => [String(n), String(n % 10)]),
    weight: 100,
  },
  {
    id: 'B04 count the branch',
    text: 'UPDATE branches SET balance = balance + $1 WHERE branch_id = $2',
    samples: samples((n) => [String(n), '1']),
    weight: 100,
  },
  {
    id: 'B05 write it down',
    text: 'INSERT INTO entries (teller_id, branch_id, account_id, amount, entered_at) VALUES ($1, $2, $3, $4, now())',
    samples: samples((n) => [String(n % 10), '1', String(n), String(n)]),
    weight: 100,
  },
  {
    id: 'B06 statement of account',
    text: 'SELECT * FROM entries WHERE account_id = $1 ORDER BY entered_at DESC LIMIT 20',
    samples: samples((n) => [String(n)]),
    weight: 20,
  },
  {
    id: 'B07 large amounts of a teller',
    text: 'SELECT account_id, amount FROM entries WHERE teller_id = $1 AND amount > $2',
    samples: samples((n) => [String(1 + (n % 10)), '4990']),
  },
  {
    id: 'B08 sum of a branch',
    text: 'SELECT count(*), sum(balance) FROM accounts WHERE branch_id = $1',
    samples: samples(() => ['1']),
  },
  {
    id: 'B09 overdrawn',
    text: 'SELECT account_id, balance FROM accounts WHERE balance < $1 ORDER BY balance LIMIT 100',
    samples: samples(() => ['-4990']),
  },
  {
    id: 'B10 entries of an hour',
    text: 'SELECT branch_id, sum(amount) FROM entries WHERE entered_at >= $1 AND entered_at < $2 GROUP BY branch_id',
    samples: samples((n) => [`2026-01-0${1 + (n % 5)} 10:00Z`, `2026-01-0${1 + (n % 5)} 11:00Z`]),
  },
];

/** Accounts, tellers, branches and what moves between them, as pgbench has it, with some questions of the back office. */
export const banking: WorkloadSchema = {
  name: 'banking',
  make: filledBy(async (client, scale) => {
    const accounts = Math.max(1000, Math.round(accountsAtOne * scale));
    const branches = Math.max(1, Math.round(accounts / 100_000));
    await client.query(`
      CREATE TABLE branches (branch_id int PRIMARY KEY, balance int NOT NULL, filler char(88));
      CREATE TABLE tellers  (teller_id int PRIMARY KEY, branch_id int NOT NULL, balance int NOT NULL, filler char(84));
      CREATE TABLE accounts (account_id int PRIMARY KEY, branch_id int NOT NULL, balance int NOT NULL, filler char(84));
      CREATE TABLE entries (
        teller_id   int         NOT NULL,
        branch_id   int         NOT NULL,
        account_id  int         NOT NULL,
        amount      int         NOT NULL,
        entered_at  timestamptz NOT NULL,
        filler      char(22)
      );
    `);
    await runAll(client, [
      'SELECT setseed(0.42)',
      `INSERT INTO branches SELECT g, 0, '' FROM generate_series(1, ${branches}) AS g`,
      `INSERT INTO tellers SELECT g, 1 + (g - 1) / 10, 0, '' FROM generate_series(1, ${branches * 10}) AS g`,
      `INSERT INTO accounts
       SELECT g, 1 + (g - 1) / 100000, floor(random() * 10000 - 5000)::int, '' FROM generate_series(1, ${accounts}) AS g`,
      `INSERT INTO entries
       SELECT 1 + floor(random() * ${branches * 10})::int,
              1 + floor(random() * ${branches})::int,
              1 + floor(${accounts} * random() ^ 3)::int,
              floor(random() * 10000 - 5000)::int,
              timestamptz '2026-01-01Z' + g * interval '7 days' / ${accounts}
         FROM generate_series(1, ${accounts}) AS g`,
      'VACUUM (ANALYZE)',
    ]);
  }),
  queries,
  indexes: [
    indexOn('entries', ['account_id', { expression: 'entered_at', descending: true }]),
    indexOn('entries', ['account_id']),
    indexOn('entries', ['teller_id', 'amount']),
    indexOn('entries', ['teller_id']),
    indexOn('entries', ['entered_at']),
    indexOn('entries', ['entered_at'], { method: 'brin' }),
    indexOn('entries', ['entered_at'], { include: ['branch_id', 'amount'] }),
    indexOn('entries', ['account_id'], { method: 'hash' }),
    indexOn('accounts', ['branch_id']),
    indexOn('accounts', ['branch_id'], { include: ['balance'] }),
    indexOn('accounts', ['balance']),
    indexOn('accounts', ['balance'], { where: 'balance < -4900' }),
    indexOn('accounts', ['filler']),
  ],
};
