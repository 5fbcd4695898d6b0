import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect, test } from 'vitest';
import { testDatabase } from '../../../test/support/postgres.ts';
import { families } from './families.ts';
import { tableName } from './family-sql.ts';
import { levelNames } from './levels.ts';
import { Partitions } from './partitions.ts';
import { rollUp } from './upkeep/roll-up.ts';

const child = fileURLToPath(new URL('../../../test/support/store-child.ts', import.meta.url));
/** Recent enough for retention to leave it alone. */
const start = Math.floor(Date.now() / 3_600_000 - 20) * 3_600_000;

test('a daemon killed in the middle of writing and rolling up loses nothing that it had counted, and doubles nothing', async () => {
  await using database = await testDatabase();
  for (const batches of [3, 8, 1]) {
    const daemon = spawn(process.execPath, [child, database.url, String(start)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let stored = 0;
    daemon.stdout.on('data', (dots: Buffer) => {
      stored += dots.length;
      // It goes on meanwhile: where in a batch it is then, is not ours to say.
      if (stored >= batches) setTimeout(() => daemon.kill('SIGKILL'), Math.random() * 10);
    });
    expect(await once(daemon, 'exit')).toEqual([null, 'SIGKILL']);
  }
  const read = async (text: string): Promise<number> =>
    Number((await database.query<{ value: unknown }>(text))[0]?.value);
  // Its sessions may still be at their last statement.
  await expect
    .poll(() =>
      read(
        "SELECT count(*) AS value FROM pg_stat_activity WHERE application_name = 'pitcrew store' AND datname = current_database()",
      ),
    )
    .toBe(0);

  const done = await read("SELECT values[1] AS value FROM pitcrew.baseline WHERE key = 'done'");
  expect(done).toBeGreaterThanOrEqual(12);
  const client = new pg.Client(database.url);
  await client.connect();
  await rollUp(client, new Partitions(), start + (done + 120) * 60_000);
  await client.end();
  const sums: number[] = [];
  for (const level of levelNames) {
    sums.push(await read(`SELECT sum(calls) AS value FROM ${tableName(families.statement, level)}`));
  }
  const counted = (50 * done * (done + 1)) / 2;
  expect(sums).toEqual(levelNames.map(() => counted));
}, 120_000);
