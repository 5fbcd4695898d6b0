import { createHash } from 'node:crypto';
import { oneOf, type Task, timed } from './task.ts';

/**
 * What customers do. The statements look like those of applications: some written by an ORM, some by hand, some with the
 * comments of a tracing library.
 */
export const storefrontTasks: Task[] = [
  {
    // The front page, from the cache for the most part.
    name: 'GET /',
    perSecond: 8,
    async run({ cards, product }) {
      await cards.categories();
      const seenLately = Array.from({ length: 6 }, () => product());
      await cards.cards([...new Set([...(await cards.bestsellers()), ...seenLately])]);
    },
  },
  {
    // A page of a category, as Prisma asks for it.
    name: 'GET /categories/:slug',
    perSecond: 4,
    async run({ catalogue }) {
      const category = oneOf(24);
      await catalogue.query(
        `SELECT "public"."categories"."id", "public"."categories"."name", "public"."categories"."slug" FROM "public"."categories" WHERE 1=1 ORDER BY "public"."categories"."name" ASC`,
      );
      await catalogue.query(
        `SELECT "public"."products"."id", "public"."products"."name", "public"."products"."price_cents", "public"."products"."stock" FROM "public"."products" WHERE "public"."products"."category_id" = $1 ORDER BY "public"."products"."id" ASC LIMIT $2 OFFSET $3`,
        [category, 24, 24 * (oneOf(4) - 1)],
      );
      await catalogue.query(
        `SELECT COUNT(*) FROM (SELECT "public"."products"."id" FROM "public"."products" WHERE "public"."products"."category_id" = $1 OFFSET $2) AS "sub"`,
        [category, 0],
      );
    },
  },
  {
    // A product's page.
    name: 'GET /products/:id',
    perSecond: 12,
    async run({ storefront, catalogue, product }) {
      const id = product();
      const comment = `/*action='show',application='Storefront',controller='products'*/`;
      await storefront.query({
        name: 'product_find',
        text: `SELECT "products".* FROM "products" WHERE "products"."id" = $1 LIMIT $2 ${comment}`,
        values: [id, 1],
      });
      await catalogue.query(
        `SELECT "reviews".* FROM "reviews" WHERE "reviews"."product_id" = $1 ORDER BY "reviews"."created_at" DESC LIMIT $2 ${comment}`,
        [id, 10],
      );
      await catalogue.query(
        `SELECT AVG("reviews"."rating") AS average, COUNT(*) FROM "reviews" WHERE "reviews"."product_id" = $1 ${comment}`,
        [id],
      );
      await storefront.query(
        `INSERT INTO "page_views" ("session_id", "product_id", "referrer", "viewed_at") VALUES ($1, $2, $3, $4) RETURNING "id"`,
        [crypto.randomUUID(), id, 'search', new Date()],
      );
    },
  },
  {
    // A review. What the catalogue has kept of reviews is void a moment later.
    name: 'POST /products/:id/reviews',
    perSecond: 0.05,
    async run({ storefront, customer, product }) {
      await storefront.query(
        `INSERT INTO "reviews" ("product_id", "customer_id", "rating", "body", "created_at") VALUES ($1, $2, $3, $4, $5) RETURNING "id"`,
        [product(), customer(), oneOf(5), 'As described.', new Date()],
      );
    },
  },
  {
    // The search box.
    name: 'GET /search',
    perSecond: 0.5,
    async run({ catalogue }) {
      const words = ['copper lamp', 'oak', 'folding chair', 'quiet clock', 'wool', 'kettle'];
      await catalogue.query(
        `SELECT id, name, price_cents FROM products WHERE name ILIKE '%' || $1 || '%' ORDER BY updated_at DESC LIMIT 20`,
        [words[oneOf(words.length) - 1]],
      );
    },
  },
  {
    // "My orders". Fault: one statement for the orders, then one for the items of each (N+1).
    name: 'GET /orders',
    perSecond: 3,
    async run({ storefront, customer }) {
      const comment = `/*action='index',application='Storefront',controller='orders'*/`;
      const { rows } = await storefront.query<{ id: string }>(
        `SELECT "orders".* FROM "orders" WHERE "orders"."customer_id" = $1 ORDER BY "orders"."placed_at" DESC LIMIT $2 ${comment}`,
        [customer(), 20],
      );
      const items: object[] = [];
      for (const order of rows) {
        const { rows: ofOrder } = await storefront.query<object>({
          name: 'order_items_of_order',
          text: `SELECT "order_items".* FROM "order_items" WHERE "order_items"."order_id" = $1 ${comment}`,
          values: [order.id],
        });
        items.push(...ofOrder);
      }
      await timed(storefront, 'render the list of orders', () => JSON.stringify({ orders: rows, items }));
    },
  },
  {
    // "Where is my parcel?" Fault: orders has no index on tracking_code.
    name: 'GET /parcels/:code',
    perSecond: 0.5,
    async run({ storefront, order }) {
      const digest = createHash('md5').update(String(order())).digest('hex').slice(0, 12).toUpperCase();
      await storefront.query(
        `SELECT "orders".* FROM "orders" WHERE "orders"."tracking_code" = $1 LIMIT $2 /*action='track',application='Storefront',controller='parcels'*/`,
        [`TRK${digest}`, 1],
      );
    },
  },
  {
    // Signing in. Fault: the index is on email, the question is for lower(email).
    name: 'POST /session',
    perSecond: 0.6,
    async run({ storefront, customer }) {
      const { rows } = await storefront.query<{ email: string }>(`SELECT c.email FROM customers c WHERE c.id = $1`, [
        customer(),
      ]);
      await storefront.query(`SELECT id, full_name, loyalty_points FROM customers WHERE lower(email) = lower($1)`, [
        rows[0]?.email ?? '',
      ]);
    },
  },
  {
    // Signing up, now and then with an address that is taken.
    name: 'POST /customers',
    perSecond: 0.1,
    async run({ storefront, customer }) {
      // Every 99th customer of the seed is called Ada Adler.
      const taken = `ada.adler${99 * Math.max(1, Math.floor(customer() / 99))}@example.com`;
      const email = Math.random() < 0.3 ? taken : `new.${crypto.randomUUID()}@example.com`;
      await storefront.query(
        `INSERT INTO "customers" ("email", "full_name", "country") VALUES ($1, $2, $3) RETURNING "id"`,
        [email, 'New Customer', 'DE'],
      );
    },
  },
  {
    // Baskets. Fault: autovacuum is off on this table.
    name: 'PUT /cart',
    perSecond: 14,
    async run({ checkout, product, cart }) {
      const contents = [{ product_id: product(), quantity: oneOf(2), note: 'gift wrap '.repeat(oneOf(20)) }];
      await checkout.query(`update carts set contents = $1, updated_at = now() where id = $2`, [
        JSON.stringify(contents),
        cart(),
      ]);
    },
  },
  {
    // An order is placed.
    name: 'POST /orders',
    perSecond: 1,
    async run({ checkout, cards, customer, product }) {
      // Rows are locked in the order of their ids, so that two buyers never wait for each other.
      const wanted = [...new Set([product(), product()])].toSorted((a, b) => a - b);
      await timed(checkout, 'place an order', () =>
        checkout.transaction(async (client) => {
          const buyer = customer();
          await client.query(`select id, full_name, country from customers where id = $1`, [buyer]);
          const { rows } = await client.query<{ id: string; price_cents: number }>(
            `select id, price_cents, stock from products where id = any($1) order by id for update`,
            [wanted],
          );
          const total = rows.reduce((sum, row) => sum + row.price_cents, 0);
          const order = await client.query<{ id: string }>(
            `insert into orders (customer_id, status, total_cents, currency, shipping_country, tracking_code)
           values ($1, 'paid', $2, 'EUR', 'DE', 'TRK' || upper(left(md5(random()::text), 12)))
           returning id`,
            [buyer, total],
          );
          for (const [index, row] of rows.entries()) {
            await client.query(
              `insert into order_items (order_id, line_no, product_id, quantity, unit_price_cents) values ($1, $2, $3, 1, $4)`,
              [order.rows[0]?.id, index + 1, row.id, row.price_cents],
            );
            await client.query(`update products set stock = stock - 1, updated_at = now() where id = $1`, [row.id]);
          }
          await client.query(`update customers set loyalty_points = loyalty_points + 1 where id = $1`, [buyer]);
        }),
      );
      await cards.sold(wanted);
    },
  },
];
