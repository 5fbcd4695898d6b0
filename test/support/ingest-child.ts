import { configDefinition } from '../../src/config/definition.ts';
import { openStore } from '../../src/ops/store/index.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { keepingLogger, plainMonitor } from './plain-monitor.ts';

/** A daemon that takes reports, for tests that are to kill it. Says its address. Argument: URL of the store. */
const [url = ''] = process.argv.slice(2);
const config = configDefinition.parse({});
const store = await openStore({ url, retention: config.store.retention });
const monitors = [plainMonitor('shop', { targetId: await store.target('shop') })];
const logger = keepingLogger();
const app = createApp({ monitors, store, config, version: '0.0.0', logger });
const server = await startServer({ host: '127.0.0.1', port: 0, token: undefined, app, logger });
process.stdout.write(server.url);
