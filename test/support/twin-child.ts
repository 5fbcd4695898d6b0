// Opens a twin, says so, and waits to be killed.
import { connectDatabase, probeProfile } from '../../src/engine/postgres/index.ts';
import { openTwin } from '../../src/ops/whatif/index.ts';

const [url = '', dataDir = ''] = process.argv.slice(2);
const connection = await connectDatabase({ url });
await openTwin({ connection, profile: await probeProfile(connection), dataDir });
process.stdout.write('open\n');
setInterval(() => {}, 60_000);
