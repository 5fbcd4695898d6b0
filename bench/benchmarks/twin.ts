// The planner twin against truth: costs, plans and sizes are predicted for the indexes of four workloads, each alone and all together;
// then the indexes are built, and the database is asked. `--scale 0.1` (about 100 MB each) by default, `--quick` 0.02, `--markdown`
// prints tables. On PostgreSQL 18 and, beside HypoPG where Debian's is installed, on PostgreSQL 15.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectDatabase, probeProfile } from '../../src/engine/postgres/index.ts';
import { embeddedBinaries, type Binaries } from '../../src/ops/embedded/index.ts';
import { openHypopg, openTwin, type WhatIf } from '../../src/ops/whatif/index.ts';
import { debianHypopg } from '../../test/support/debian-postgres.ts';
import {
  analytical,
  banking,
  holdAgainstTruth,
  inSession,
  shop,
  skewed,
  startWorkloadServer,
  type Truth,
  type WorkloadSchema,
} from '../../test/support/workloads/index.ts';
import { type BenchResult, type BenchRow, row } from '../support/result.ts';
import { aimsOf, rowsOf, type Subject } from '../support/twin/report.ts';
import { pitcrewVersion } from '../support/version.ts';

export { markdown } from '../support/twin/report.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
    },
  });
  const scale = Number(values.scale ?? (values.quick ? 0.02 : 0.1));
  const versions: Record<string, string> = { pitcrew: pitcrewVersion(), node: process.versions.node };
  const rows: BenchRow[] = [];
  const truths: Truth[] = [];
  for (const workload of [banking, analytical, shop, skewed]) {
    const measured = await measure(workload, scale, embeddedBinaries(), ['twin'], versions);
    rows.push(...measured.flatMap((each) => rowsOf(each)));
    // The aims are about these three; the fourth is a bonus of ours.
    if (workload !== skewed) truths.push(...measured.map(({ truth }) => truth));
  }
  const debian = debianHypopg();
  if ('missing' in debian) say(`Without HypoPG: ${debian.missing}`);
  else {
    for (const workload of [banking, analytical, skewed]) {
      const measured = await measure(workload, scale, debian, ['twin', 'HypoPG'], versions);
      rows.push(...measured.flatMap((each) => rowsOf(each)));
    }
  }
  rows.push(row({ case: 'all', subject: 'scale', metric: 'scale', unit: '' }, [scale]));
  return { versions, rows, aims: aimsOf(truths) };
}

async function measure(
  workload: WorkloadSchema,
  scale: number,
  binaries: Binaries,
  subjects: readonly Subject['subject'][],
  versions: Record<string, string>,
): Promise<Subject[]> {
  await using source = await startWorkloadServer({ shared_buffers: '256MB' }, binaries);
  const { server, folder } = source;
  await workload.make(server, workload.name, scale);
  const url = server.url(workload.name);
  const version = await versionOf(url);
  versions[`postgresql ${version.split('.')[0]}`] = version;
  const measured: Subject[] = [];
  for (const subject of subjects) {
    const began = performance.now();
    const whatIf = subject === 'twin' ? await twinOf(url, join(folder, 'twin')) : await hypopgOf(url, versions);
    const seconds = (performance.now() - began) / 1000;
    try {
      const truth = await holdAgainstTruth(url, workload, whatIf);
      measured.push({ name: `${workload.name}, PostgreSQL ${version.split('.')[0]}`, subject, truth, seconds });
      say(`${measured.at(-1)?.name}: ${subject}, ${truth.plans.length} plans and ${truth.sizes.length} sizes compared`);
    } finally {
      await whatIf.close();
    }
  }
  if (existsSync(join(folder, 'twin'))) throw new Error('the twin is still there');
  return measured;
}

async function twinOf(url: string, dataDir: string): Promise<WhatIf> {
  const connection = await connectDatabase({ url });
  try {
    return await openTwin({ connection, profile: await probeProfile(connection), dataDir });
  } finally {
    await connection.close();
  }
}

async function hypopgOf(url: string, versions: Record<string, string>): Promise<WhatIf> {
  versions['hypopg'] = await inSession(url, async (client) => {
    await client.query('CREATE EXTENSION hypopg');
    const { rows } = await client.query<{ version: string }>(
      `SELECT extversion AS version FROM pg_extension WHERE extname = 'hypopg'`,
    );
    return rows[0]?.version ?? '';
  });
  return openHypopg({ url });
}

function versionOf(url: string): Promise<string> {
  return inSession(url, async (client) => {
    const { rows } = await client.query<{ version: string }>(
      `SELECT split_part(current_setting('server_version'), ' ', 1) AS version`,
    );
    return rows[0]?.version ?? '';
  });
}
