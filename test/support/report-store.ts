import pg from 'pg';
import type { ApplicationReport } from '../../src/client/telemetry/report.ts';
import { ApplicationNames } from '../../src/ops/store/applications/names.ts';
import { writeReports } from '../../src/ops/store/applications/write-reports.ts';
import { askCaches, pendingCommands } from '../../src/ops/store/caches/commands.ts';
import { createHistory } from '../../src/ops/store/history/index.ts';
import { createReader } from '../../src/ops/store/history/reader.ts';
import { levelsOf } from '../../src/ops/store/levels.ts';
import { Partitions } from '../../src/ops/store/partitions.ts';
import { migrate } from '../../src/ops/store/schema/migrate.ts';
import type { History, ReceivedReport, Store } from '../../src/ops/store/index.ts';
import { dropExpired, forgetParameters, forgetUnused } from '../../src/ops/store/upkeep/retention.ts';
import { rollUp } from '../../src/ops/store/upkeep/roll-up.ts';
import { type TestDatabase, plainPool } from './postgres.ts';
import { retention } from './store.ts';

/** The parts of a store without its timers, so that tests say when what happens. */
interface ReportStore extends AsyncDisposable, Pick<Store, 'askCaches' | 'pendingCacheCommands'> {
  client: pg.Client;
  history: History;
  write(...received: ReceivedReport[]): Promise<void>;
  rollUp(now: number): Promise<void>;
  drop(now: number): Promise<number>;
  forget(now: number): Promise<void>;
  forgetParameters(now: number): Promise<void>;
}

/** A store for reports, with one target, whose number is 1. */
export async function reportStore(database: TestDatabase): Promise<ReportStore> {
  const client = new pg.Client(database.url);
  await client.connect();
  await migrate(client);
  await client.query("INSERT INTO pitcrew.target (name) VALUES ('main')");
  const pool = plainPool({ connectionString: database.url, max: 2 });
  pool.on('error', () => undefined);
  const [names, partitions] = [new ApplicationNames(), new Partitions()];
  return {
    client,
    history: createHistory(pool),
    write: (...received) => writeReports(client, names, partitions, received),
    askCaches: (ask) => askCaches(createReader(pool), ask),
    pendingCacheCommands: (process) => pendingCommands(createReader(pool), process),
    rollUp: (now) => rollUp(client, partitions, now),
    drop: (now) => dropExpired(client, levelsOf(retention), now),
    forget: (now) => forgetUnused(client, levelsOf(retention), now),
    forgetParameters: (now) => forgetParameters(client, now),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await client.end();
    },
  };
}

/** A report as it arrives. */
export const received = (report: ApplicationReport, at = new Date(report.to), arrivedAt = at): ReceivedReport => ({
  targetId: 1,
  report,
  at,
  arrivedAt,
});
