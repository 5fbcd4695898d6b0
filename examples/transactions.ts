/**
 * Transactions: transfers that exclude each other are run again, a nested transaction undoes only its own part, and what
 * belongs to the outside world waits for COMMIT.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/transactions.ts
 */
import { createPool, PitcrewError } from 'pitcrew';

await using pool = createPool({ connectionString: process.env['DATABASE_URL'] });

let attempts = 0;

/** Serializable: the check and the transfer are as if nobody else were there; whom that fails for is run again. */
async function transfer(from: number, to: number, amount: number): Promise<void> {
  await pool.transaction(
    async (client) => {
      attempts += 1;
      const { rows } = await client.query<{ balance: number }>('SELECT balance FROM customers WHERE id = $1', [from]);
      if ((rows[0]?.balance ?? 0) < amount) throw new Error('not enough');
      await client.query('UPDATE customers SET balance = balance - $2 WHERE id = $1', [from, amount]);
      await client.query('UPDATE customers SET balance = balance + $2 WHERE id = $1', [to, amount]);
    },
    { isolation: 'serializable', retries: 20, timeoutMs: 10_000 },
  );
}

const total = async (): Promise<number> =>
  (await pool.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM customers WHERE id IN (1, 2)')).rows[0]
    ?.sum ?? 0;

const before = await total();
await Promise.all([transfer(1, 2, 10), transfer(2, 1, 20), transfer(1, 2, 30), transfer(2, 1, 5), transfer(1, 2, 1)]);
console.log(`5 transfers in ${attempts} attempts; the sum was ${before} and is ${await total()}`);

// Too much: nothing of it is kept.
await transfer(1, 2, 1_000_000).catch((error: Error) => console.log(`refused: ${error.message}`));

await pool.transaction(async (client) => {
  await client.query("INSERT INTO customers (name) VALUES ('Barbara')");
  // The gift fails, the customer stays.
  await client
    .transaction((nested) => nested.query("UPDATE customers SET balance = 1 / 0 WHERE name = 'Barbara'"))
    .catch((error: Error) => console.log(`without a gift: ${error.message}`));
  // Not before COMMIT, and not at all when it fails.
  client.onCommit(() => console.log('mail sent to Barbara'));
});

// An error that is caught and not passed on cannot make half a transaction look whole.
await pool
  .transaction(async (client) => {
    await client.query("INSERT INTO customers (name) VALUES ('Nobody')");
    await client.query('SELECT 1 / 0').catch(() => undefined);
  })
  .catch((error: unknown) => console.log(error instanceof PitcrewError ? error.code : error));
