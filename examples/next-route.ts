/**
 * A route handler of Next.js, `app/api/customers/[id]/route.ts`. In development Next.js loads changed modules again, so the pool
 * is kept on `globalThis`: a pool per change would use up the server's connections. `next.config.ts` needs
 * `serverExternalPackages: ['pitcrew']`, because the parser of statements is a file of its own that bundlers do not take along.
 *
 * `withScope` makes each request a scope; `request.signal` stops the statement when the browser goes away.
 */
import { createPool, type MeasuredPool, withScope } from 'pitcrew';

const kept = globalThis as { shopPool?: MeasuredPool };

export const pool = (kept.shopPool ??= createPool({
  connectionString: process.env['DATABASE_URL'],
  application_name: 'shop-next',
  // Each of many short-lived instances has a pool of its own: keep them small.
  max: 5,
}));

interface Context {
  params: Promise<{ id: string }>;
}

export const GET = withScope(
  async (request: Request, { params }: Context): Promise<Response> => {
    const { id } = await params;
    const { rows } = await pool.query({
      text: 'SELECT id, name, balance FROM customers WHERE id = $1',
      values: [id],
      signal: request.signal,
    });
    return rows.length === 0 ? new Response(null, { status: 404 }) : Response.json(rows[0]);
  },
  () => 'GET /api/customers/[id]',
);
