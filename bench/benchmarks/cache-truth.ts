// Results that several processes keep are held against the database, whatever happens to them. `--quick`: one round of each case.
import { parseArgs } from 'node:util';
import { startRedis } from '../../test/support/redis.ts';
import { checkTruth, type Disturbance, type TruthOutcome } from '../../test/support/truth/checker.ts';
import { truthServers } from '../../test/support/truth/servers.ts';
import { atLeast, atMost, type BenchAim, type BenchResult, type BenchRow, row } from '../support/result.ts';
import { pitcrewVersion } from '../support/version.ts';

interface Case {
  name: string;
  standbyMs?: number;
  redis?: true;
  changes?: 'triggers';
  readReplicas?: true;
}

const cases: readonly Case[] = [
  { name: 'one server' },
  { name: 'one server, Redis', redis: true },
  { name: 'synchronous standby', standbyMs: 5 },
  { name: 'synchronous standby, Redis', standbyMs: 5, redis: true },
  { name: 'reads from replicas', standbyMs: 5, readReplicas: true },
  { name: 'reads from replicas, Redis', standbyMs: 25, readReplicas: true, redis: true },
  { name: 'triggers', changes: 'triggers' },
  { name: 'triggers, Redis', changes: 'triggers', redis: true },
];
const unfenced: Case = { name: 'without the fence', standbyMs: 50 };

const always: readonly Disturbance[] = [
  'cut stream',
  'cut everything',
  'kill process',
  'freeze process',
  'freeze sender',
  'change definitions',
];
const ofRedis: readonly Disturbance[] = ['freeze redis', 'restart redis', 'flush redis'];

const roundMs = 2000;
/** Results that are to be kept in all, and rounds of a case at most. */
const mostRounds = 40;
const wanted = { full: 100_000, quick: 5000 };
const say = (text: string): void => void process.stderr.write(`${text}\n`);

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
    },
  });
  const kept = values.quick ? wanted.quick : wanted.full;
  const outcomes = new Map<string, TruthOutcome>();
  let version = '';
  for (const [at, each] of cases.entries()) {
    const outcome = await runCase(each, Number(values.seed) + at, kept / cases.length, true);
    outcomes.set(each.name, outcome.outcome);
    ({ version } = outcome);
  }
  const without = await runCase(unfenced, Number(values.seed), 0, false);
  return {
    versions: { pitcrew: pitcrewVersion(), postgresql: version, node: process.versions.node },
    rows: [...[...outcomes].flatMap(rowsOf), ...rowsOf([unfenced.name, without.outcome])],
    aims: aimsOf([...outcomes.values()], without.outcome, kept),
  };
}

async function runCase(
  { name, standbyMs, redis: withRedis, ...options }: Case,
  seed: number,
  kept: number,
  fenced: boolean,
): Promise<{ outcome: TruthOutcome; version: string }> {
  say(name);
  await using stack = new AsyncDisposableStack();
  const servers = stack.use(await truthServers({ standbyMs }));
  const redis = withRedis && stack.use(await startRedis());
  const outcome = await checkTruth({
    ...options,
    servers,
    redis,
    fenced,
    until: ({ round, kept: sum, wrong }) =>
      round >= mostRounds || (fenced ? sum >= kept : round >= 3 && (wrong > 0 || round >= 10)),
    roundMs,
    disturbances: fenced ? [...always, ...(redis ? ofRedis : [])] : [],
    seed,
    say,
  });
  for (const wrong of [...outcome.wrong, ...outcome.stale].slice(0, 10)) say(`  ${wrong}`);
  return { outcome, version: servers.version };
}

const metrics = {
  kept: 'results kept',
  compared: 'compared at rest',
  comparedInTier: 'of them in Redis',
  ownReads: 'reads after writes',
  seen: 'reads after seeAtLeast',
  disturbances: 'disturbances',
} as const;

function rowsOf([name, outcome]: [string, TruthOutcome]): BenchRow[] {
  const line = (metric: string, value: number): BenchRow =>
    row({ case: name, subject: 'Pitcrew', metric, unit: '' }, [value]);
  return [
    ...(Object.keys(metrics) as (keyof typeof metrics)[]).map((what) => line(metrics[what], outcome[what])),
    line('wrong', outcome.wrong.length),
    line('older than own write', outcome.stale.length),
    line('older than before', outcome.backwards.length),
  ];
}

function aimsOf(outcomes: readonly TruthOutcome[], without: TruthOutcome, kept: number): BenchAim[] {
  const sum = (of: (outcome: TruthOutcome) => number): number => outcomes.reduce((total, each) => total + of(each), 0);
  // What replicas give may be older than what was given before, unless it is asked for.
  const ordered = cases.flatMap(({ readReplicas }, at) => (readReplicas ? [] : [outcomes[at]?.backwards.length ?? 0]));
  return [
    atLeast(
      'results kept',
      kept,
      sum((outcome) => outcome.kept),
    ),
    atMost(
      'wrong at rest',
      0,
      sum((outcome) => outcome.wrong.length),
    ),
    atMost(
      'older than what the reader has written, or was to see',
      0,
      sum((outcome) => outcome.stale.length),
    ),
    atMost(
      'older than what was given before, reading the primary',
      0,
      ordered.reduce((total, count) => total + count, 0),
    ),
    atLeast('wrong without the fence, at a synchronous standby', 1, without.wrong.length),
  ];
}

/** The tables of docs/benchmarks.md. */
export function markdown({ rows }: BenchResult): string {
  const names = [...new Set(rows.map((each) => each.case))];
  const titles = [...new Set(rows.map(({ metric }) => metric))];
  const valueOf = (name: string, metric: string): string =>
    (rows.find((each) => each.case === name && each.metric === metric)?.median ?? Number.NaN).toLocaleString('en');
  return [
    `| case | ${titles.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(titles.length)}`,
    ...names.map((name) => `| ${name} | ${titles.map((title) => valueOf(name, title)).join(' | ')} |`),
  ].join('\n');
}
