import { type Task, timed } from './task.ts';

/** What the shop does by itself, and its reports. */
export const backOfficeTasks: Task[] = [
  {
    // Sends what was paid, as a queue in a table.
    name: 'ship orders',
    perSecond: 1,
    run: ({ worker }) =>
      worker.transaction(async (client) => {
        const { rows } = await client.query<{ id: string; customer_id: string }>(`
          SELECT id, customer_id
            FROM orders
           WHERE status = 'paid'
           ORDER BY placed_at
           LIMIT 3
             FOR UPDATE SKIP LOCKED
        `);
        for (const order of rows) {
          await timed(worker, 'ship one order', async () => {
            await client.query(`UPDATE orders SET status = 'shipped', updated_at = now() WHERE id = $1`, [order.id]);
            await client.query(`INSERT INTO email_log (customer_id, template) VALUES ($1, 'order-shipped')`, [
              order.customer_id,
            ]);
          });
        }
      }),
  },
  {
    // New stock arrives.
    name: 'restock',
    perSecond: 0.2,
    steady: true,
    async run({ worker }) {
      await worker.query(`
        /* job=restock queue=default */
        UPDATE products
           SET stock = stock + 100, updated_at = now()
         WHERE id IN (SELECT id FROM products WHERE stock < 50 ORDER BY id LIMIT 20 FOR UPDATE SKIP LOCKED)
      `);
    },
  },
  {
    // The employees' page of the last orders, as Django asks for it.
    name: 'GET /admin/orders',
    perSecond: 0.3,
    async run({ backOffice }) {
      await backOffice.query(
        `SELECT "orders"."id", "orders"."status", "orders"."total_cents", "customers"."full_name" FROM "orders" INNER JOIN "customers" ON ("orders"."customer_id" = "customers"."id") WHERE "orders"."placed_at" >= $1 ORDER BY "orders"."placed_at" DESC LIMIT 50`,
        [new Date(Date.now() - 3_600_000)],
      );
    },
  },
  {
    // Sales of the last week.
    name: 'sales of the week',
    perSecond: 0.05,
    steady: true,
    async run({ reporting }) {
      await reporting.query(`
        SELECT date_trunc('day', o.placed_at) AS day, o.shipping_country, count(*) AS orders, sum(o.total_cents) / 100.0 AS revenue
          FROM orders o
         WHERE o.placed_at >= now() - interval '7 days'
         GROUP BY 1, 2
         ORDER BY 1, 2
      `);
    },
  },
  {
    // The nightly report. Fault: too little work_mem, it sorts on disk.
    name: 'best customers',
    perSecond: 0.1,
    steady: true,
    when: (time) => time.reports,
    async run({ reporting }) {
      await reporting.query(`
        /* nightly: best customers by category */
        SELECT c.name, o.customer_id, sum(i.quantity * i.unit_price_cents) AS revenue,
               rank() OVER (PARTITION BY c.name ORDER BY sum(i.quantity * i.unit_price_cents) DESC) AS place
          FROM orders o
          JOIN order_items i ON i.order_id = o.id
          JOIN products p    ON p.id = i.product_id
          JOIN categories c  ON c.id = p.category_id
         WHERE o.placed_at >= now() - interval '30 days'
         GROUP BY c.name, o.customer_id
         ORDER BY c.name, revenue DESC
         LIMIT 1000
      `);
    },
  },
  {
    // Fault: the same sorting by day, of the page views.
    name: 'sessions of the week',
    perSecond: 0.02,
    steady: true,
    async run({ reporting }) {
      await reporting.query(`
        SELECT session_id, count(*) AS views, count(DISTINCT product_id) AS products, max(viewed_at) AS last_seen
          FROM page_views
         WHERE viewed_at >= now() - interval '10 days'
         GROUP BY session_id
         ORDER BY last_seen DESC
         LIMIT 100
      `);
    },
  },
];
