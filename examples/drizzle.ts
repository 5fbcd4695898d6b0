/**
 * Drizzle on the pool, as it runs on `pg.Pool`: queries share connections, transactions have one of their own, and statistics
 * name the lines of the application, not those of Drizzle. For that the queries end with `execute()`: one that is merely awaited is
 * begun by Node itself, without a line of the application in its stack.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/drizzle.ts
 */
import { desc, eq, sum } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';
import { createPool } from 'pitcrew';

const customers = pgTable('customers', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  name: text().notNull(),
  balance: integer().notNull().default(100),
});

const orders = pgTable('orders', {
  id: integer().primaryKey().generatedAlwaysAsIdentity(),
  customerId: integer('customer_id')
    .notNull()
    .references(() => customers.id),
  total: integer().notNull(),
  placedAt: timestamp('placed_at', { withTimezone: true }).notNull().defaultNow(),
});

await using pool = createPool({ connectionString: process.env['DATABASE_URL'] });
const db = drizzle({ client: pool });

const added = await db.transaction(async (tx) => {
  const [customer] = await tx.insert(customers).values({ name: 'Ada' }).returning().execute();
  if (!customer) throw new Error('no customer');
  await tx
    .insert(orders)
    .values([
      { customerId: customer.id, total: 30 },
      { customerId: customer.id, total: 12 },
    ])
    .execute();
  return customer;
});

const spent = await db
  .select({ name: customers.name, total: sum(orders.total).mapWith(Number) })
  .from(customers)
  .innerJoin(orders, eq(orders.customerId, customers.id))
  .where(eq(customers.id, added.id))
  .groupBy(customers.name)
  .orderBy(desc(customers.name))
  .execute();
console.log(spent);

for (const { text: statement, callSites } of pool.telemetry?.snapshot().statements ?? []) {
  console.log(callSites[0]?.site, statement);
}
