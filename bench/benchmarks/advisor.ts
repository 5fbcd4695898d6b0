// Advice end to end: the time that a workload takes without indexes but the primary keys, with those that a classic greedy selection
// costed by HypoPG takes, and with those that Pitcrew advises, under the same budget, all on Debian's PostgreSQL 15. `--scale 1` (about 1 GB
// each) by default, `--quick` 0.03; `--workload analytical` or `skewed`; `--budget 0.3` of the database; `--rounds 3`; `--timeout 60` s per
// statement, which counts as that long; `--times` prints every statement's, `--markdown` tables.
import { parseArgs } from 'node:util';
import { adviceOf, type Advice, type SubjectName } from '../support/advisor/subjects.ts';
import { build, drop, type MeasuredRound, runOnce, totalOf } from '../support/advisor/measure.ts';
import { Readings } from '../support/readings.ts';
import { aimsTable, find, show, table } from '../support/markdown.ts';
import { atMost, type BenchAim, type BenchResult, median } from '../support/result.ts';
import { pitcrewVersion } from '../support/version.ts';
import { debianHypopg } from '../../test/support/debian-postgres.ts';
import {
  analytical,
  inSession,
  skewed,
  startWorkloadServer,
  type WorkloadSchema,
} from '../../test/support/workloads/index.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** One statement at a time, on one CPU, from memory: so that the indexes are what differs. */
const settings = {
  shared_buffers: '2GB',
  effective_cache_size: '6GB',
  work_mem: '32MB',
  random_page_cost: '1.1',
  max_parallel_workers_per_gather: '0',
  jit: 'off',
};

const subjects: readonly SubjectName[] = ['no advice', 'HypoPG, greedy', 'Pitcrew, HypoPG', 'Pitcrew, twin'];

interface Plan {
  scale: number;
  budget: number;
  rounds: number;
  timeoutMs: number;
  times: boolean;
}

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
      budget: { type: 'string', default: '0.3' },
      rounds: { type: 'string' },
      timeout: { type: 'string', default: '60' },
      workload: { type: 'string' },
      times: { type: 'boolean', default: false },
    },
  });
  const plan: Plan = {
    scale: Number(values.scale ?? (values.quick ? 0.03 : 1)),
    budget: Number(values.budget),
    rounds: Number(values.rounds ?? (values.quick ? 2 : 3)),
    timeoutMs: Number(values.timeout) * 1000,
    times: values.times,
  };
  const debian = debianHypopg();
  if ('missing' in debian) throw new Error(debian.missing);
  const readings = new Readings();
  const versions: Record<string, string> = { pitcrew: pitcrewVersion(), node: process.versions.node };
  versions['settings'] = Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
  const wanted = [analytical, skewed].filter(({ name }) => [undefined, name].includes(values.workload));
  const aims: BenchAim[] = [];
  for (const workload of wanted) {
    await using source = await startWorkloadServer(settings, debian);
    await measure(workload, plan, source, readings, versions);
    aims.push(...aimsOf(workload.name, readings));
  }
  return { versions, rows: readings.rows(), aims };
}

async function measure(
  workload: WorkloadSchema,
  { scale, budget, rounds, timeoutMs, times }: Plan,
  { server, folder }: Awaited<ReturnType<typeof startWorkloadServer>>,
  readings: Readings,
  versions: Record<string, string>,
): Promise<void> {
  const { name, queries } = workload;
  say(`${name}: making it at scale ${scale} …`);
  await workload.make(server, name, scale);
  const url = server.url(name);
  const bytes = await prepare(url, versions);
  readings.add(name, 'database', 'size', 'MB', bytes / 1e6);
  const budgetBytes = bytes * budget;
  readings.add(name, 'budget', 'size', 'MB', budgetBytes / 1e6);
  const advice: Advice[] = [];
  for (const subject of subjects) {
    const given = await adviceOf(subject, { url, queries, budgetBytes, folder });
    advice.push(given);
    const { indexes, candidates, plans, seconds, expected } = given;
    say(
      `${name}: ${subject}, ${indexes.length} indexes of ${candidates} candidates, ${plans} plans, ${seconds.toFixed(1)} s`,
    );
    if (subject === 'no advice') continue;
    readings.add(name, subject, 'advising', 's', seconds);
    readings.add(name, subject, 'indexes', '', indexes.length);
    readings.add(name, subject, 'expected cost', '%', expected * 100);
  }
  let answers: MeasuredRound['rows'] | undefined;
  for (let round = 0; round < rounds; round += 1) {
    // The order changes, so that what slows the machine down for a while falls on each in turn.
    const turn = round % advice.length;
    for (const { subject, indexes } of [...advice.slice(turn), ...advice.slice(0, turn)]) {
      const size = await build(url, indexes);
      const measured = await runOnce(url, queries, timeoutMs);
      await drop(url, indexes);
      readings.add(name, subject, 'workload', 's', totalOf(measured) / 1000);
      readings.add(name, subject, 'stopped', '', measured.stopped);
      readings.add(name, subject, 'index size', 'MB', size / 1e6);
      for (const [id, ms] of measured.times) if (times) readings.add(`${name} ${id}`, subject, 'time', 'ms', ms);
      answers ??= measured.rows;
      refuseOtherAnswers(subject, answers, measured.rows);
      say(`${name}, round ${round + 1} of ${rounds}: ${subject} ${(totalOf(measured) / 1000).toFixed(2)} s`);
    }
  }
}

async function prepare(url: string, versions: Record<string, string>): Promise<number> {
  return inSession(url, async (client) => {
    await client.query('CREATE EXTENSION hypopg');
    await client.query('CREATE EXTENSION pg_prewarm');
    await client.query(
      `SELECT pg_prewarm(c.oid) FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i')`,
    );
    const { rows } = await client.query<{ bytes: number; version: string; hypopg: string }>(`
      SELECT pg_database_size(current_database())::float8                              AS bytes,
             split_part(current_setting('server_version'), ' ', 1)                     AS version,
             (SELECT extversion FROM pg_extension WHERE extname = 'hypopg')            AS hypopg
    `);
    const [found] = rows;
    versions['postgresql'] = found?.version ?? '';
    versions['hypopg'] = found?.hypopg ?? '';
    return found?.bytes ?? Number.NaN;
  });
}

function refuseOtherAnswers(subject: string, expected: MeasuredRound['rows'], found: MeasuredRound['rows']): void {
  for (const [id, rows] of found) {
    const others = expected.get(id);
    if (others !== undefined && others !== rows) throw new Error(`${subject}: ${id} has ${rows} rows, not ${others}`);
  }
}

function aimsOf(name: string, readings: Readings): BenchAim[] {
  const best = (subject: SubjectName): number => median([...readings.values(name, subject, 'workload')]);
  return [
    atMost(`${name}: workload with Pitcrew / without advice`, 0.5, best('Pitcrew, twin') / best('no advice')),
    atMost(`${name}: workload with Pitcrew / with HypoPG, greedy`, 1, best('Pitcrew, twin') / best('HypoPG, greedy')),
  ];
}

/** The tables of docs/benchmarks.md. */
export function markdown(result: BenchResult): string {
  const names = [...new Set(result.rows.filter(({ metric }) => metric === 'workload').map((each) => each.case))];
  const rows = names.flatMap((name) =>
    subjects.map((subject) => {
      const of = (metric: string) => find(result, name, subject, metric);
      const time = of('workload');
      const without = find(result, name, 'no advice', 'workload')?.median ?? Number.NaN;
      return [
        name,
        subject,
        show(of('indexes')?.median),
        show(of('index size')?.median),
        show(of('expected cost')?.median),
        `${show(time?.median)} (${show(time?.min)} … ${show(time?.max)})`,
        show((time?.median ?? Number.NaN) / without),
        show(of('stopped')?.max),
        show(of('advising')?.median),
      ];
    }),
  );
  const header = [
    'workload',
    'indexes of',
    'indexes',
    'MB',
    'expected cost, %',
    'time, s',
    'of that without',
    'stopped',
    'advised in, s',
  ];
  return [table(header, rows), aimsTable(result.aims)].join('\n\n');
}
