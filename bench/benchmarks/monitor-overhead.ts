// What watching costs the watched database: pgbench with and without `pitcrew serve`, interleaved, on a database with
// 1,000 tables and 5,000 known statements. Server and pgbench have one CPU, the daemon and its store another where the
// machine has two, as if the daemon ran on a machine of its own; the case "shared CPUs" lets them compete. `--part
// cost|speed|memory` runs one part, `--quick` one short round.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { type EmbeddedServer, freePort, startServer } from '../../src/ops/embedded/index.ts';
import { findPgbench, pgbenchVersion, runPgbench } from '../support/pgbench.ts';
import { atLeast, atMost, type BenchResult, type BenchRow, median, row } from '../support/result.ts';

const rounds = 5;
const secondsPerRun = 20;
const warmUpSeconds = 15;
/** The first readings of 1,000 tables and of 5,000 statements with their texts are no part of the steady cost. */
const settleSeconds = 70;
/** Two whole minutes hold two readings of the tables, twelve of the statements and 120 of the sessions. */
const costSeconds = 120;
const databases = 10;
const root = join(import.meta.dirname, '../..');

const say = (text: string): void => void process.stderr.write(`${text}\n`);

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const folder = mkdtempSync(join(tmpdir(), 'pitcrew-bench-'));
  chmodSync(folder, 0o777);
  const pgbench = findPgbench();
  const server = await startServer({
    dataDir: join(folder, 'watched'),
    settings: {
      fsync: 'off',
      shared_buffers: '256MB',
      max_wal_size: '4GB',
      max_connections: '80',
      shared_preload_libraries: 'pg_stat_statements',
      'pg_stat_statements.max': '10000',
      'pg_stat_statements.track_planning': 'on',
    },
  });
  try {
    await prepare(server, pgbench);
    const context = { server, pgbench, folder, quick: args.includes('--quick') };
    const wanted = (part: string): boolean => !args.includes('--part') || args.includes(part);
    const parts = [
      ...(wanted('cost') ? [await steadyCost(context)] : []),
      ...(wanted('speed') ? [await speed(context, availableParallelism() >= 2), await speed(context, false)] : []),
      ...(wanted('memory') ? [await memoryWithDatabases(context)] : []),
    ];
    return {
      versions: await versionsOf(server, pgbench),
      rows: parts.flatMap(({ rows }) => rows),
      aims: parts.flatMap(({ aims }) => aims),
    };
  } finally {
    await server.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  }
}

const labels = (
  name: string,
  subject: string,
  metric: string,
  unit: string,
): Pick<BenchRow, 'case' | 'subject' | 'metric' | 'unit'> => ({
  case: name,
  subject,
  metric,
  unit,
});

/** 1,000 tables and 5,000 statements that pg_stat_statements knows, and pgbench's own tables. */
async function prepare(server: EmbeddedServer, pgbench: string): Promise<void> {
  say('Preparing 1,000 tables and 5,000 known statements …');
  await withClient(server, async (client) => {
    await client.query('CREATE EXTENSION pg_stat_statements');
    for (let batch = 0; batch < 10; batch++) {
      const names = Array.from({ length: 100 }, (_, i) => `watched_${batch * 100 + i}`);
      await client.query(names.map((name) => `CREATE TABLE ${name} (id int PRIMARY KEY, v text);`).join('\n'));
    }
    // Statements differ by their table and by how many columns they return.
    for (let i = 0; i < 5000; i++) await client.query(`SELECT ${'1, '.repeat(i / 1000)}1 FROM watched_${i % 1000}`);
    const { rows } = await client.query<{ known: number }>('SELECT count(*)::int AS known FROM pg_stat_statements');
    const known = rows[0]?.known ?? 0;
    if (known < 5000) throw new Error(`only ${known} statements are known`);
    for (let i = 1; i < databases; i++) await client.query(`CREATE DATABASE other_${i}`);
  });
  await runPgbench(pgbench, server.url(), ['-i', '-q', '-s', '10']);
}

interface Context {
  server: EmbeddedServer;
  pgbench: string;
  folder: string;
  /** One short round: to see that it works. */
  quick: boolean;
}

type Part = Pick<BenchResult, 'rows' | 'aims'>;

/** What Pitcrew's own backends cost at half the load that the server bears, so that waiting for a CPU is not counted. */
async function steadyCost({ server, pgbench, folder, quick }: Context): Promise<Part> {
  const daemon = await startDaemon([server.url()], folder, undefined);
  const loadSeconds = quick ? 40 : settleSeconds + costSeconds + 5;
  const rated = ['-T', String(loadSeconds), '-R', '500', '-c', '4', '-M', 'prepared', '-n'];
  const load = runPgbench(pgbench, server.url(), rated);
  await delay((quick ? 15 : settleSeconds) * 1000);
  const before = await ownCost(server);
  const started = performance.now();
  await delay((quick ? 20 : costSeconds) * 1000);
  const after = await ownCost(server);
  const seconds = (performance.now() - started) / 1000;
  await load;
  await daemon.stop();
  const cpu = (after.cpuMs - before.cpuMs) / seconds;
  const statements = (after.statementMs - before.statementMs) / seconds;
  const temp = after.tempBytes - before.tempBytes;
  say(`Steady cost: ${statements.toFixed(2)} ms of statements and ${cpu.toFixed(2)} ms of CPU per second`);
  const name = '500 transactions/s';
  return {
    rows: [
      row(labels(name, 'with Pitcrew', 'own statement time', 'ms/s'), [statements]),
      row(labels(name, 'with Pitcrew', 'own backend CPU', 'ms/s'), [cpu]),
      row(labels(name, 'with Pitcrew', 'own temp bytes', 'B'), [temp]),
    ],
    aims: [atMost('own statement ms per second', 1, statements), atMost('own temp bytes', 0, temp)],
  };
}

/** Rounds of without, with, with, without … so that drift falls on both alike. */
async function speed({ server, pgbench, folder, quick }: Context, split: boolean): Promise<Part> {
  const name = split ? 'CPUs apart' : 'shared CPUs';
  const times = quick ? 1 : rounds;
  pinServer(server, split ? '0' : `0-${availableParallelism() - 1}`);
  const tps = { without: [] as number[], with: [] as number[] };
  for (let round = 0; round < times; round++) {
    const order = round % 2 === 0 ? (['without', 'with'] as const) : (['with', 'without'] as const);
    for (const subject of order) {
      const daemon =
        subject === 'with' ? await startDaemon([server.url()], folder, split ? '1' : undefined) : undefined;
      if (daemon) await delay(warmUpSeconds * 1000);
      const measured = await runPgbench(
        pgbench,
        server.url(),
        ['-T', String(secondsPerRun), '-c', '4', '-M', 'prepared', '-n'],
        split ? ['taskset', '-c', '0'] : [],
      );
      await daemon?.stop();
      tps[subject].push(measured);
      say(`${name}, round ${round + 1} of ${times}: ${subject} ${measured.toFixed(0)} tps`);
    }
  }
  const ratios = tps.with.map((value, index) => value / (tps.without[index] ?? Number.NaN));
  return {
    rows: [
      row(labels(name, 'without Pitcrew', 'transactions', '1/s'), tps.without),
      row(labels(name, 'with Pitcrew', 'transactions', '1/s'), tps.with),
      row(labels(name, 'with / without', 'ratio', ''), ratios),
    ],
    aims: [atLeast(`TPS with / without, ${name}`, 0.997, median(ratios))],
  };
}

/** Ties the postmaster and what it has started to CPUs; later children inherit it. */
function pinServer(server: EmbeddedServer, cpus: string): void {
  const postmaster = readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0] ?? '';
  const children = execFileSync('pgrep', ['-P', postmaster], { encoding: 'utf8' }).split('\n').filter(Boolean);
  for (const pid of [postmaster, ...children]) execFileSync('taskset', ['-cp', cpus, pid], { stdio: 'ignore' });
}

interface OwnCost {
  /** CPU time of the backends that serve Pitcrew, in ms. */
  cpuMs: number;
  /** Execution and planning time of its statements; includes waiting for a CPU that pgbench keeps busy. */
  statementMs: number;
  tempBytes: number;
}

/** What Pitcrew has cost the watched server so far. */
function ownCost(server: EmbeddedServer): Promise<OwnCost> {
  return withClient(server, async (client) => {
    const statements = await client.query<{ ms: number; temp: number }>(`
      SELECT coalesce(sum(total_exec_time + total_plan_time), 0)  AS ms,
             (coalesce(sum(temp_blks_written), 0) * 8192)::float8 AS temp
        FROM pg_stat_statements
       WHERE query LIKE '%/* pitcrew */%'
    `);
    const backends = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'pitcrew'",
    );
    // The first figure of schedstat is the time on a CPU, in ns.
    const cpu = backends.rows.map(({ pid }) => Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[0]));
    const [sums] = statements.rows;
    return {
      cpuMs: cpu.reduce((sum, ns) => sum + ns, 0) / 1e6,
      statementMs: sums?.ms ?? 0,
      tempBytes: sums?.temp ?? 0,
    };
  });
}

async function withClient<Result>(server: EmbeddedServer, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client(server.url());
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

interface Daemon {
  child: ChildProcess;
  stop(): Promise<void>;
}

async function startDaemon(urls: string[], folder: string, cpu: string | undefined): Promise<Daemon> {
  const config = join(folder, 'pitcrew.config.json');
  const named = Object.fromEntries(urls.map((url, index) => [`db${index}`, url]));
  writeFileSync(config, JSON.stringify({ databases: named, log: { level: 'warn' } }));
  const port = await freePort();
  const argv = [
    join(root, 'dist/cli/main.js'),
    'serve',
    '--config',
    config,
    '--data-dir',
    join(folder, 'daemon'),
    '--port',
    String(port),
  ];
  const [command = '', ...args] = [...(cpu === undefined ? [] : ['taskset', '-c', cpu]), process.execPath, ...argv];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'], cwd: folder });
  let output = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-4000)));
  for (let tries = 0; ; tries++) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    if (tries > 150 || child.exitCode !== null) throw new Error(`pitcrew serve did not get ready: ${output}`);
    await delay(200);
  }
  return {
    child,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** Resident memory of the daemon that watches ten databases of the server. */
async function memoryWithDatabases({ server, folder, quick }: Context): Promise<Part> {
  const waitSeconds = quick ? 20 : settleSeconds;
  say(`Memory with ${databases} databases, after ${waitSeconds} s …`);
  const urls = Array.from({ length: databases }, (_, i) => (i === 0 ? server.url() : server.url(`other_${i}`)));
  const daemon = await startDaemon(urls, folder, undefined);
  await delay(waitSeconds * 1000);
  const status = readFileSync(`/proc/${daemon.child.pid}/status`, 'utf8');
  await daemon.stop();
  const rss = Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
  return {
    rows: [row(labels(`${databases} databases`, 'daemon', 'resident memory', 'MiB'), [rss])],
    aims: [atMost(`daemon MiB with ${databases} databases`, 120, rss)],
  };
}

async function versionsOf(server: EmbeddedServer, pgbench: string): Promise<Record<string, string>> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const postgresql = await withClient(server, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? '';
  });
  return { pitcrew: version, postgresql, pgbench: pgbenchVersion(pgbench), node: process.versions.node };
}
