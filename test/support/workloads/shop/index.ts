import { seedShop, shopSize } from '../../../../src/ops/demo/seed.ts';
import { indexOn, type WorkloadQuery, type WorkloadSchema } from '../types.ts';

const queries: readonly WorkloadQuery[] = [
  {
    id: 'D01 category page',
    text: 'SELECT id, name, price_cents, stock FROM products WHERE category_id = $1 ORDER BY id LIMIT $2 OFFSET $3',
    samples: [['7', '24', '0']],
    weight: 4,
  },
  { id: 'D02 product', text: 'SELECT * FROM products WHERE id = $1 LIMIT 1', samples: [['17']], weight: 12 },
  {
    id: 'D03 reviews',
    text: 'SELECT * FROM reviews WHERE product_id = $1 ORDER BY created_at DESC LIMIT 10',
    samples: [['17'], ['103']],
    weight: 4,
  },
  {
    id: 'D04 search',
    text: `SELECT id, name, price_cents FROM products WHERE name ILIKE '%' || $1 || '%' ORDER BY updated_at DESC LIMIT 20`,
    samples: [['copper lamp'], ['oak']],
  },
  {
    id: 'D05 my orders',
    text: 'SELECT * FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC LIMIT 20',
    samples: [['3'], ['1200']],
    weight: 3,
  },
  { id: 'D06 items of an order', text: 'SELECT * FROM order_items WHERE order_id = $1', samples: [['99']], weight: 20 },
  { id: 'D07 parcel', text: 'SELECT * FROM orders WHERE tracking_code = $1 LIMIT 1', samples: [['TRK0123456789AB']] },
  {
    id: 'D08 sign in',
    text: 'SELECT id, full_name, loyalty_points FROM customers WHERE lower(email) = lower($1)',
    samples: [['Ada.Adler99@example.com']],
  },
  {
    id: 'D09 to be shipped',
    text: `SELECT id, customer_id FROM orders WHERE status = 'paid' ORDER BY placed_at LIMIT 3 FOR UPDATE SKIP LOCKED`,
  },
  {
    id: 'D10 last orders',
    text: `SELECT o.id, o.status, o.total_cents, c.full_name
             FROM orders o
             JOIN customers c ON o.customer_id = c.id
            WHERE o.placed_at >= now() - interval '1 day'
            ORDER BY o.placed_at DESC
            LIMIT 50`,
  },
  {
    id: 'D11 sales of the week',
    text: `SELECT date_trunc('day', placed_at) AS day, shipping_country, count(*), sum(total_cents) / 100.0
             FROM orders
            WHERE placed_at >= now() - interval '7 days'
            GROUP BY 1, 2
            ORDER BY 1, 2`,
  },
  {
    id: 'D12 best customers',
    text: `SELECT c.name, o.customer_id, sum(i.quantity * i.unit_price_cents) AS revenue
             FROM orders o
             JOIN order_items i ON i.order_id = o.id
             JOIN products p    ON p.id = i.product_id
             JOIN categories c  ON c.id = p.category_id
            WHERE o.placed_at >= now() - interval '30 days'
            GROUP BY c.name, o.customer_id
            ORDER BY c.name, revenue DESC
            LIMIT 1000`,
  },
  {
    id: 'D13 sessions',
    text: `SELECT session_id, count(*) AS views, count(DISTINCT product_id), max(viewed_at) AS last_seen
             FROM page_views
            WHERE viewed_at >= now() - interval '10 days'
            GROUP BY session_id
            ORDER BY last_seen DESC
            LIMIT 100`,
  },
  {
    id: 'D14 views of a product',
    text: `SELECT count(*) FROM page_views WHERE product_id = $1 AND viewed_at > now() - interval '1 day'`,
    samples: [['17'], ['103']],
  },
  { id: 'D15 red things', text: `SELECT id FROM products WHERE attributes @> '{"colour": "red", "weight_g": 500}'` },
  {
    id: 'D16 cancelled abroad',
    text: `SELECT shipping_country, count(*) FROM orders WHERE status = 'returned' AND currency <> 'EUR' GROUP BY 1`,
  },
  {
    id: 'D17 who bought it',
    text: `SELECT DISTINCT o.customer_id
             FROM order_items i
             JOIN orders o ON o.id = i.order_id
            WHERE i.product_id = $1 AND i.quantity = 2`,
    samples: [['103'], ['4']],
  },
  {
    id: 'D18 basket',
    text: 'UPDATE carts SET contents = $1, updated_at = now() WHERE id = $2',
    samples: [['[]', '5']],
    weight: 14,
  },
  {
    id: 'D19 stock',
    text: 'UPDATE products SET stock = stock - 1, updated_at = now() WHERE id = $1',
    samples: [['17']],
    weight: 2,
  },
  {
    id: 'D20 new order',
    text: `INSERT INTO orders (customer_id, status, total_cents, currency, shipping_country, tracking_code)
           VALUES ($1, 'paid', $2, 'EUR', 'DE', $3) RETURNING id`,
    samples: [['17', '9900', 'TRK1']],
  },
  {
    id: 'D21 bad reviews',
    text: `SELECT r.product_id, p.name, r.body
             FROM reviews r
             JOIN products p ON p.id = r.product_id
            WHERE r.rating = 1 AND r.created_at > now() - interval '60 days'`,
  },
  {
    id: 'D22 reviews by a customer',
    text: 'SELECT * FROM reviews WHERE customer_id = $1',
    samples: [['17']],
  },
];

/** The demo's shop, with its statements. Needs PostgreSQL 16 or newer. */
export const shop: WorkloadSchema = {
  name: 'shop',
  async make(server, database, scale) {
    await seedShop(server, database, shopSize(Math.round(3_000_000 * scale)), 'abc', () => {});
  },
  queries,
  indexes: [
    indexOn('orders', ['tracking_code']),
    indexOn('orders', ['tracking_code'], { method: 'hash' }),
    indexOn('orders', ['customer_id', { expression: 'placed_at', descending: true }]),
    indexOn('orders', ['status']),
    indexOn('orders', ['status', 'placed_at']),
    indexOn('orders', ['placed_at'], { where: `status = 'returned'` }),
    indexOn('orders', ['status', 'currency', 'shipping_country']),
    indexOn('orders', ['placed_at'], { include: ['shipping_country', 'total_cents'] }),
    indexOn('orders', ['placed_at'], { method: 'brin' }),
    indexOn('customers', [{ expression: '(lower(email))' }]),
    indexOn('customers', ['country']),
    indexOn('order_items', ['product_id', 'quantity']),
    indexOn('order_items', ['product_id', 'order_id'], { where: 'quantity = 2' }),
    indexOn('reviews', ['customer_id']),
    indexOn('reviews', ['rating', 'created_at']),
    indexOn('reviews', ['created_at'], { where: 'rating = 1' }),
    indexOn('page_views', ['product_id', 'viewed_at']),
    indexOn('page_views', ['session_id']),
    indexOn('page_views', ['referrer']),
    indexOn('page_views', ['product_id']),
    indexOn('products', ['attributes'], { method: 'gin' }),
    indexOn('products', ['name']),
    indexOn('carts', ['customer_id']),
    indexOn('email_log', ['customer_id', 'sent_at']),
  ],
};
