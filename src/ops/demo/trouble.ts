import { oneOf, type Shop, type Task } from './task.ts';

/** An employee's page that leaves a transaction open. */
export const openTransaction: Task = {
  name: 'GET /admin/stock',
  perSecond: 1 / 80,
  steady: true,
  run: ({ backOffice, pause }) =>
    backOffice.transaction(async (client) => {
      await client.query(`SELECT "products".* FROM "products" WHERE "products"."stock" < $1 LIMIT 100`, [60]);
      await pause(25_000);
    }),
};

/** A chain of sessions, each waiting for the one before. */
export const waitingInLine: Task = {
  name: 'import prices',
  perSecond: 1 / 60,
  steady: true,
  run: blockingChain,
};

/** Two sessions that lock the same rows in opposite order: PostgreSQL ends one of them. */
export const deadlock: Task = {
  name: 'recount stock',
  perSecond: 1 / 150,
  steady: true,
  async run({ worker, pause }) {
    const [first, second] = [oneOf(100), 100 + oneOf(90)];
    const recount = (rows: number[]): Promise<void> =>
      worker.transaction(
        async (client) => {
          for (const id of rows) {
            await client.query(`UPDATE products SET stock = stock + 0 WHERE id = $1`, [id]);
            await pause(300);
          }
        },
        // As an application that leaves the retries to its queue.
        { retries: 0 },
      );
    const ended = await Promise.allSettled([recount([first, second]), recount([second, first])]);
    const failed = ended.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  },
};

/** A release that asks for a column which its migration has not made yet. */
export const missingColumn: Task = {
  name: 'GET /discounts/:id',
  perSecond: 3,
  when: (time) => time.badRelease,
  async run({ storefront, product }) {
    await storefront.query(
      `SELECT "products"."id", "products"."discount_percent" FROM "products" WHERE "products"."id" = $1`,
      [product()],
    );
  },
};

/** The same release divides by a stock of nothing, and rolls back. */
export const failingPayment: Task = {
  name: 'POST /payments',
  perSecond: 1,
  when: (time) => time.badRelease,
  run: ({ checkout, product }) =>
    checkout.transaction(async (client) => {
      await client.query(`update products set updated_at = now() where id = $1`, [product()]);
      await client.query(`select price_cents / (stock - stock) from products where id = $1`, [product()]);
    }),
};

/** What goes wrong in the shop now and then. */
export const troubleTasks: Task[] = [openTransaction, waitingInLine, deadlock, missingColumn, failingPayment];

/** The price import holds a product; a buyer waits for it while holding a customer, for whom the back office waits. */
async function blockingChain({ worker, checkout, backOffice, customer, pause }: Shop): Promise<void> {
  const [product, buyer] = [oneOf(50), customer()];
  const after = async (ms: number, work: () => Promise<unknown>): Promise<void> => {
    await pause(ms);
    await work();
  };
  const ended = await Promise.allSettled([
    worker.transaction(async (client) => {
      await client.query(`/* price import */ UPDATE products SET price_cents = price_cents + 0 WHERE id = $1`, [
        product,
      ]);
      await pause(6000);
    }),
    after(300, () =>
      checkout.transaction(async (client) => {
        await client.query(`update customers set loyalty_points = loyalty_points + 1 where id = $1`, [buyer]);
        await client.query(`update products set stock = stock - 1, updated_at = now() where id = $1`, [product]);
      }),
    ),
    after(600, () =>
      backOffice.query(`UPDATE "customers" SET "newsletter" = $1 WHERE "customers"."id" = $2`, [false, buyer]),
    ),
  ]);
  const failed = ended.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
