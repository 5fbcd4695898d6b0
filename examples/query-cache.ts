/**
 * Results that stay true. What is read is kept; a client that knows nothing of the cache changes it, and the next answer is the new one.
 * The role must be allowed to replicate, and the server needs wal_level = logical; without, the example says what is missing.
 *
 *   DATABASE_URL=postgres://app@/shop node examples/query-cache.ts
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { createPool } from 'pitcrew';

const connectionString = process.env['DATABASE_URL'];
const pool = createPool({
  connectionString,
  application_name: 'shop-query-cache',
  cache: { changes: { createPublication: 'tables' } },
});
await pool.cached.ready();
const { truth, reason } = pool.cached.stats();
if (reason !== undefined) console.log(`kept true by ${truth}: ${reason}`);

const customer = 'SELECT balance FROM customers WHERE id = $1';
const balance = async (): Promise<number | undefined> =>
  (await pool.query<{ balance: number }>(customer, [7], { cache: '5m' })).rows[0]?.balance;

const before = await balance();
for (let i = 0; i < 1000; i++) await balance();

// As psql would.
const other = new pg.Client({ connectionString });
await other.connect();
await other.query('UPDATE customers SET balance = balance - 30 WHERE id = 7');
await other.end();

// Others' changes are known a moment after they are committed; what this pool writes it sees at once.
if (truth !== 'own writes') while ((await balance()) === before) await delay(1);
const after = await balance();
await pool.query('UPDATE customers SET balance = balance + 30 WHERE id = 7');
console.log({ before, after, back: await balance() });

const { memoryHits, misses } = pool.cached.stats();
console.log(
  `${memoryHits > 900 ? 'nearly all' : 'few'} of 1,000 answers from memory, ${misses < 50 ? 'few' : 'many'} loads`,
);
await pool.end();
