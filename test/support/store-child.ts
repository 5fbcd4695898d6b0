import pg from 'pg';
import { Partitions } from '../../src/ops/store/partitions.ts';
import { openStore } from '../../src/ops/store/index.ts';
import { rollUp } from '../../src/ops/store/upkeep/roll-up.ts';
import { retention, statementBatch, statementDelta } from './store.ts';

/**
 * A daemon for tests that are to kill it: goes on from the baseline with batches of 50 statements, a minute apart from
 * the start given, and rolls up all the while. Writes a dot for each batch that is stored. Arguments: URL, start in ms.
 */
const [url = '', start = '0'] = process.argv.slice(2);
const store = await openStore({ url, retention });
const targetId = await store.target('main');
while (!(await store.claim(targetId))) await new Promise((resolve) => setTimeout(resolve, 20));
let done = (await store.baseline(targetId, 'statements')).get('done')?.values[0] ?? 0;
const client = new pg.Client(url);
await client.connect();
const rolling = (async () => {
  const partitions = new Partitions();
  while (true) await rollUp(client, partitions, Number(start) + done * 60_000);
})();
while (true) {
  done += 1;
  const statements = Array.from({ length: 50 }, (_, index) => statementDelta(String(index), { calls: done }));
  const baseline = { replaceAll: false, deletes: [], upserts: [{ key: 'done', values: [done] }] };
  store.append({ ...statementBatch(targetId, Number(start) + done * 60_000, statements), baseline });
  await Promise.race([store.flush(), rolling]);
  process.stdout.write('.');
}
