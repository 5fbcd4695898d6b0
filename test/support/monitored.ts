import { configDefinition } from '../../src/config/definition.ts';
import { createMonitor, type DatabaseMonitor, type MonitorOptions } from '../../src/ops/monitor/index.ts';
import { openStore, type Store } from '../../src/ops/store/index.ts';
import { type TestDatabase, testDatabase } from './postgres.ts';

/** Every collector runs once by itself and then only when the test says so. */
export const onlyWhenAsked = configDefinition.parse({
  monitor: { cadence: { activity: '1m', statements: '10m', instance: '10m', tables: '1h', slow: '1d' } },
}).monitor;

export type WatchedDatabase = DatabaseMonitor & AsyncDisposable;

/** Watches a database, and no statements of others that share its server, until the scope ends (`await using`). */
export function watch(options: Omit<MonitorOptions, 'name' | 'config'> & Partial<MonitorOptions>): WatchedDatabase {
  const monitor = createMonitor({
    name: 'watched',
    config: onlyWhenAsked,
    statements: { scope: { databases: 'own' }, readers: 1 },
    ...options,
  });
  return Object.assign(monitor, { [Symbol.asyncDispose]: () => monitor.stop() });
}

export interface TestStore extends AsyncDisposable {
  database: TestDatabase;
  store: Store;
}

/** A store in a database of its own. */
export async function freshStore(): Promise<TestStore> {
  const database = await testDatabase();
  const store = await openStore({ url: database.url, retention: configDefinition.parse({}).store.retention });
  return {
    database,
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
