/**
 * Replicas, and a browser that always sees what it has written. Each process of the application knows what it wrote itself; a
 * token in a cookie tells it to the next one, which then reads from replicas only when they have it.
 *
 *   DATABASE_URL=postgres://app@/shop HOSTS=db-1:5432,db-2:5432,db-3:5432 node examples/replicas.ts
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createPool, scopeMiddleware } from 'pitcrew';

const pool = createPool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'shop-replicas',
  hosts: process.env['HOSTS']?.split(','),
  telemetry: { logger: console },
});
const inScope = scopeMiddleware();

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, id] = /^\/customers\/(\d+)$/.exec(request.url ?? '') ?? [];
  const [, token] = /\bseen=([^;]+)/.exec(request.headers.cookie ?? '') ?? [];
  // A cookie can hold anything: what is no token throws E_USAGE.
  if (token !== undefined) pool.seeAtLeast(decodeURIComponent(token));
  if (request.method === 'POST') {
    await pool.query('UPDATE customers SET balance = balance + 1 WHERE id = $1', [id]);
    response.setHeader('set-cookie', `seen=${encodeURIComponent(await pool.writtenToken())}; Max-Age=60; HttpOnly`);
  }
  const { rows } = await pool.query('SELECT id, balance FROM customers WHERE id = $1', [id]);
  response.setHeader('content-type', 'application/json').end(JSON.stringify(rows[0] ?? null));
}

const server = createServer((request, response) =>
  // In a scope only its own writes count: one that only reads is served by replicas, whoever else is writing.
  inScope(request, response, () => {
    answer(request, response).catch((error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    });
  }),
);

server.listen(Number(process.env['PORT'] ?? 3000), () => console.log('listening', server.address()));

process.once('SIGTERM', () => {
  server.close(() => void pool.end());
});
