import pg from 'pg';
import { expect, test } from 'vitest';
import { createIndexAdviser } from '../../src/ops/advisor/index.ts';
import { adviceLife, findingFor } from '../support/advice-life.ts';
import { session } from '../support/catalog.ts';
import { testFolder } from '../support/folder.ts';
import { scratchReplica, scratchServer } from '../support/postgres.ts';

const fix = 'CREATE INDEX CONCURRENTLY "orders_x" ON "public"."orders" ("x")';

test('nothing is changed on a standby, nor while a base backup is under way', async () => {
  await using server = await scratchServer(18);
  await using life = await adviceLife(server.url());
  const { id } = await life.add(findingFor('missing', { kind: 'create-index', fix: [fix], undo: [] }));
  {
    await using replica = await scratchReplica(server, 18);
    const advisor = life.advisor({ url: replica.url(), isOwner: () => false });
    await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringContaining('is a standby'),
    });
    const refusal = { code: 'E_UNSUPPORTED', message: 'the server is a standby', hint: expect.any(String) };
    const indexAdviser = createIndexAdviser({ backend: 'twin', dataDir: testFolder() });
    const knowing = life.advisor({ url: replica.url(), indexAdviser, isStandby: () => true });
    await expect(knowing.run('indexes', { by: 'ann' })).rejects.toMatchObject(refusal);
    // Where it is not known yet, the run finds out.
    const unknowing = life.advisor({ url: replica.url(), indexAdviser, isOwner: () => false });
    await unknowing.run('indexes', { by: 'ann' });
    await unknowing.idle();
    expect(unknowing.status().failure).toMatchObject({ kind: 'indexes', error: refusal });
  }
  await using client = await session(server.url());
  await client.query('CREATE TABLE orders (x int)');
  const backup = new pg.Client({ connectionString: server.url(), replication: 'true' } as pg.ClientConfig);
  backup.on('error', () => {});
  await backup.connect();
  // 32 kB a second: it lasts as long as the test needs.
  const ended = backup
    .query("BASE_BACKUP (MAX_RATE 32, WAIT false, CHECKPOINT 'fast')")
    .catch((error: unknown) => String(error));
  await expect
    .poll(async () => (await client.query('SELECT FROM pg_stat_progress_basebackup')).rowCount)
    .toBeGreaterThan(0);
  const advisor = life.advisor({ isOwner: () => false });
  await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
    code: 'E_UNSAFE',
    detail: expect.stringContaining('base backup is under way'),
  });
  (backup as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  expect(await ended).toContain('terminated');
  await expect.poll(async () => (await client.query('SELECT FROM pg_stat_progress_basebackup')).rowCount).toBe(0);
  await advisor.apply(id, { by: 'ann', force: true });
  await advisor.idle();
  expect(await life.read(id)).toMatchObject({ state: 'applied' });
});
