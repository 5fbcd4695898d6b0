import { openStore } from '../../src/ops/store/index.ts';
import { retention } from './store.ts';

/** A daemon for tests that are to kill it: keeps plans of statement 1, another one each time. Argument: URL. */
const [url = ''] = process.argv.slice(2);
const store = await openStore({ url, retention });
const targetId = await store.target('main');
process.stdout.write('keeping\n');
for (let count = 0; ; count += 1) {
  const shape = `shape ${count % 13}`;
  await store.keepPlan({ targetId, statementId: 1, shape, plan: {}, generic: true, totalCost: count, at: new Date() });
}
