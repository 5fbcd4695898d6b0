/**
 * A shop's API on Express: one pool for all requests, and each request a scope, so that slow and repeated statements are told
 * with their route and line. SIGTERM lets requests end before it closes the pool.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/express.ts
 */
import express from 'express';
import { createPool, scopeMiddleware } from 'pitcrew';

const pool = createPool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'shop-express',
  telemetry: { logger: console },
});

const app = express();
app.use(scopeMiddleware());
app.use(express.json());

app.get('/customers/:id', async (request, response) => {
  const { rows } = await pool.query('SELECT id, name, balance FROM customers WHERE id = $1', [request.params.id]);
  if (rows.length === 0) response.sendStatus(404);
  else response.json(rows[0]);
});

app.post('/customers/:id/orders', async (request, response) => {
  const { total } = request.body as { total: number };
  const order = await pool.transaction(async (client) => {
    await client.query('UPDATE customers SET balance = balance - $2 WHERE id = $1', [request.params.id, total]);
    const { rows } = await client.query<{ id: number }>(
      'INSERT INTO orders (customer_id, total) VALUES ($1, $2) RETURNING id',
      [request.params.id, total],
    );
    return rows[0];
  });
  response.status(201).json(order);
});

const server = app.listen(Number(process.env['PORT'] ?? 3000), (error) => {
  if (error) throw error;
  console.log('listening', server.address());
});

process.once('SIGTERM', () => {
  server.close(() => void pool.end());
});
