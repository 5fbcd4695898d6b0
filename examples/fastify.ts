/**
 * The same API on Fastify: `scopeHook` makes each request a scope, and the pool ends with the server.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/fastify.ts
 */
import fastify from 'fastify';
import { createPool, scopeHook } from 'pitcrew';

const pool = createPool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'shop-fastify',
  telemetry: { logger: console },
});

const app = fastify();
app.addHook('onRequest', scopeHook());
// After the last request.
app.addHook('onClose', () => pool.end());

app.get<{ Params: { id: string } }>('/customers/:id', async ({ params }, reply) => {
  const { rows } = await pool.query('SELECT id, name, balance FROM customers WHERE id = $1', [params.id]);
  return rows[0] ?? reply.code(404).send();
});

app.post<{ Params: { id: string }; Body: { total: number } }>('/customers/:id/orders', async (request, reply) => {
  const { params, body } = request;
  const order = await pool.transaction(async (client) => {
    await client.query('UPDATE customers SET balance = balance - $2 WHERE id = $1', [params.id, body.total]);
    const { rows } = await client.query<{ id: number }>(
      'INSERT INTO orders (customer_id, total) VALUES ($1, $2) RETURNING id',
      [params.id, body.total],
    );
    return rows[0];
  });
  return reply.code(201).send(order);
});

await app.listen({ port: Number(process.env['PORT'] ?? 3000) });
console.log('listening', app.server.address());

process.once('SIGTERM', () => void app.close());
