/**
 * Kysely on the pool, with statistics by the line that asks.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/kysely.ts
 */
import { type Generated, Kysely, PostgresDialect } from 'kysely';
import { createPool } from 'pitcrew';

interface Shop {
  customers: { id: Generated<number>; name: string; balance: Generated<number> };
  orders: { id: Generated<number>; customer_id: number; total: number; placed_at: Generated<Date> };
}

const pool = createPool({ connectionString: process.env['DATABASE_URL'] });
const db = new Kysely<Shop>({ dialect: new PostgresDialect({ pool }) });

const added = await db.transaction().execute(async (transaction) => {
  const customer = await transaction
    .insertInto('customers')
    .values({ name: 'Grace' })
    .returning(['id', 'name'])
    .executeTakeFirstOrThrow();
  await transaction.insertInto('orders').values({ customer_id: customer.id, total: 42 }).execute();
  return customer;
});

const spent = await db
  .selectFrom('orders')
  .innerJoin('customers', 'customers.id', 'orders.customer_id')
  .select(['customers.name', 'orders.total'])
  .where('customers.id', '=', added.id)
  .execute();
console.log(spent);

for (const { text, callSites } of pool.telemetry?.snapshot().statements ?? []) console.log(callSites[0]?.site, text);

// Ends the pool as well.
await db.destroy();
