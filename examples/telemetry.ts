/**
 * What the pool counts: a slow statement and one that is called again and again in a request (N+1) are told with their line,
 * and a summary of all statements is printed.
 *
 *   DATABASE_URL=postgres://localhost/shop node examples/telemetry.ts
 */
import { createPool, runInScope } from 'pitcrew';

await using pool = createPool({
  connectionString: process.env['DATABASE_URL'],
  telemetry: {
    slow: { select: 100 },
    bindings: 'types',
    onSlow({ callSite, scope, durationMs, text, bindings }) {
      console.log(
        `slow: ${callSite} in ${scope}: ${Math.round(durationMs)} ms for ${text} with ${bindings?.join(', ')}`,
      );
    },
    onRepeated({ callSite, scope, calls, text }) {
      console.log(`repeated: ${callSite} in ${scope}: ${calls} calls of ${text}`);
    },
  },
});

// A scope is a request or a job. Servers have it from scopeMiddleware, scopeHook or withScope.
await runInScope('GET /report', async () => {
  await pool.query('SELECT count(*), pg_sleep($1) FROM orders', [0.12]);
});

await runInScope('GET /customers', async () => {
  const { rows } = await pool.query<{ id: number }>('SELECT id FROM customers ORDER BY id LIMIT 20');
  for (const { id } of rows) {
    await pool.query('SELECT sum(total) FROM orders WHERE customer_id = $1', [id]);
  }
});

// The same with one statement instead of twenty-one.
await runInScope('GET /customers better', async () => {
  await pool.query('SELECT customer_id, sum(total) FROM orders WHERE customer_id = ANY($1) GROUP BY customer_id', [
    [1, 2, 3],
  ]);
});

console.table(
  pool.telemetry?.snapshot().statements.map(({ text, calls, meanMs, p95Ms, callSites }) => ({
    line: callSites[0]?.site,
    calls,
    'mean, ms': Number(meanMs.toFixed(1)),
    'p95, ms': Number(p95Ms.toFixed(1)),
    statement: text.slice(0, 50),
  })),
);
