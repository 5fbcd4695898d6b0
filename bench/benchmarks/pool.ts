// The pool beside its peers: each subject in a process of its own with 20 connections, all of them against one server on
// the same CPUs, as application and database share a small machine; nothing is tied to a CPU. Every subject takes its turn in
// each round, with a new pool that is warmed up first. `--case NAME`, `--callers N` and `--rounds N` measure a part, `--quick` one short
// round, `--markdown` prints tables, `--profile FOLDER` leaves a CPU profile of each subject there.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findPgbench, pgbenchVersion } from '../support/pgbench.ts';
import { aimsOf } from '../support/pool/aims.ts';
import { type Floor, runFloor } from '../support/pool/floor.ts';
import { type Cell, floorClients, floorName, orderOf, plan, subjectNames } from '../support/pool/plan.ts';
import { type BenchServer, startBenchServer } from '../support/pool/server.ts';
import { connections, type SubjectName } from '../support/pool/subjects.ts';
import { caseOf } from '../support/pool/tables.ts';
import { type CaseName, caseNames, caseTitles, type Turn, type TurnResult } from '../support/pool/workload.ts';
import { Readings } from '../support/readings.ts';
import type { BenchResult } from '../support/result.ts';
import { startWorker, type Worker } from '../support/worker-process.ts';

export { tables as markdown } from '../support/pool/tables.ts';

const root = join(import.meta.dirname, '../..');
const program = join(import.meta.dirname, '../support/pool/worker.ts');
const say = (text: string): void => void process.stderr.write(`${text}\n`);

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const options = readOptions(args);
  const pgbench = findPgbench();
  const folder = mkdtempSync(join(tmpdir(), 'pitcrew-bench-scripts-'));
  say('Preparing 100,000 accounts …');
  const server = await startBenchServer();
  // As the subjects load it now, not as it is when all is done.
  const versions = versionsOf(server, pgbench);
  const workers = new Map(
    options.subjects.map(
      (name) =>
        [name, startWorker<Turn, TurnResult>(program, name, { DATABASE_URL: server.url }, options.profile)] as const,
    ),
  );
  try {
    const floor = { pgbench, url: server.url, folder, slow: server.slow.text };
    const readings = new Readings();
    await heat(workers, server);
    for (const cell of plan(options)) await measure(cell, { server, workers, floor, readings, ...options });
    return {
      versions,
      rows: readings.rows(),
      aims: aimsOf(readings),
    };
  } finally {
    await Promise.all([...workers.values()].map((worker) => worker.stop()));
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Context {
  server: BenchServer;
  workers: ReadonlyMap<SubjectName, Worker<Turn, TurnResult>>;
  floor: Floor;
  readings: Readings;
  quick: boolean;
}

/** The first turn of a process runs code that is not compiled yet: without this the first subject of all would be the slowest. */
async function heat(workers: Context['workers'], server: BenchServer): Promise<void> {
  const turn = { callers: 20, warmUpMs: 0, measureMs: 300, slow: server.slow.text, watchQueue: false };
  for (const worker of workers.values()) {
    for (const name of ['point', 'update'] as const) await worker.run({ ...turn, case: name });
  }
}

async function measure(cell: Cell, context: Context): Promise<void> {
  const name = caseOf(caseTitles[cell.case], cell.callers);
  const { server, workers, readings } = context;
  for (let round = 0; round < cell.rounds; round++) {
    if (cell.case === 'update') await server.tidy();
    for (const subject of orderOf([...workers.keys(), floorName] as const, round, cell.rounds)) {
      if (subject === floorName) {
        readings.add(name, floorName, 'statements', '1/s', await floorOf(cell, context));
        continue;
      }
      const result = await turnOf(cell, subject, false, context);
      readings.add(name, subject, 'statements', '1/s', result.perSecond);
      readings.add(name, subject, 'p50', 'ms', result.p50);
      readings.add(name, subject, 'p99', 'ms', result.p99);
    }
    if (workers.has('Pitcrew') && cell.callers > connections) {
      const { queuedP95 } = await turnOf(cell, 'Pitcrew', true, context);
      if (queuedP95 !== undefined) readings.add(name, 'Pitcrew', 'acquire p95', 'ms', queuedP95);
    }
    const speeds = [...workers.keys(), floorName].map(
      (subject) => `${subject} ${(readings.last(name, subject, 'statements') ?? Number.NaN).toFixed(0)}`,
    );
    say(`${name}, round ${round + 1} of ${cell.rounds}: ${speeds.join(' · ')}`);
  }
}

/**
 * One turn of a subject. What it was wrong about counts as an error, and so does what it says was done and the server knows
 * nothing of: every statement is a transaction that the server has counted, every update is there to be read.
 */
async function turnOf(
  { case: name, callers, warmUpMs, measureMs }: Cell,
  subject: SubjectName,
  watchQueue: boolean,
  { server, workers, readings }: Context,
): Promise<TurnResult> {
  const worker = workers.get(subject);
  if (!worker) throw new Error(`${subject} has no process`);
  const updatesBefore = await server.updates();
  const commitsBefore = await server.commits();
  const turn: Turn = { case: name, callers, warmUpMs, measureMs, slow: server.slow.text, watchQueue };
  const result = await worker.run(turn);
  const updates = (await server.updates()) - updatesBefore;
  const commits = await countedCommits(server, commitsBefore + result.answered);
  const missing = {
    updates: name === 'update' ? Math.abs(result.answered - updates) : 0,
    commits: Math.max(0, commitsBefore + result.answered - commits),
  };
  if (result.errors > 0) say(`${subject}: ${result.errors} errors, the first ${result.firstError ?? ''}`);
  if (missing.updates > 0) say(`${subject}: ${result.answered} updates acknowledged, ${updates} found`);
  if (missing.commits > 0) say(`${subject}: the server knows nothing of ${missing.commits} statements`);
  readings.failed(subject, result.errors + missing.updates + missing.commits);
  return result;
}

/** Sessions report what they did when they end, which takes them a moment. */
async function countedCommits(server: BenchServer, expected: number): Promise<number> {
  for (let tries = 0; ; tries++) {
    const commits = await server.commits();
    if (commits >= expected || tries === 40) return commits;
    await delay(50);
  }
}

/** The better one of what pgbench does with as many connections as the subjects have, and with one per caller. */
async function floorOf({ case: name, callers }: Cell, { floor, quick }: Context): Promise<number> {
  const candidates = floorClients(callers, connections).slice(0, quick ? 1 : undefined);
  const speeds: number[] = [];
  for (const clients of candidates) speeds.push(await runFloor(floor, name, clients, 1));
  return Math.max(...speeds);
}

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      case: { type: 'string' },
      callers: { type: 'string' },
      rounds: { type: 'string' },
      subject: { type: 'string', multiple: true },
      profile: { type: 'string' },
    },
  });
  return {
    quick: values.quick,
    case: oneOf(caseNames, values.case) as CaseName | undefined,
    callers: count('callers', values.callers),
    rounds: count('rounds', values.rounds),
    subjects: values.subject?.map((name) => oneOf(subjectNames, name) as SubjectName) ?? subjectNames,
    profile: values.profile,
  };
}

function oneOf(known: readonly string[], name: string | undefined): string | undefined {
  if (name !== undefined && !known.includes(name)) throw new Error(`"${name}" is none of ${known.join(', ')}`);
  return name;
}

function count(option: string, text: string | undefined): number | undefined {
  if (text !== undefined && !/^[1-9]\d*$/.test(text))
    throw new Error(`--${option} takes a whole number, not "${text}"`);
  return text === undefined ? undefined : Number(text);
}

function versionsOf(server: BenchServer, pgbench: string): Record<string, string> {
  const versionOf = (folder: string): string =>
    (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { version: string }).version;
  const peers = ['pg', 'postgres', 'slonik', 'knex'].map(
    (name) => [name, versionOf(join('node_modules', name))] as const,
  );
  return {
    pitcrew: `${versionOf('.')} ${sourceState()}`,
    ...Object.fromEntries(peers),
    pgbench: pgbenchVersion(pgbench),
    node: process.versions.node,
    postgresql: server.version,
    'with settings': server.settings,
    'slow statement': `${server.slow.ms.toFixed(1)} ms by itself`,
  };
}

/** Which source was measured: while it is being changed, a run may measure something half done. */
function sourceState(): string {
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  try {
    const commit = git('rev-parse', '--short', 'HEAD').trim();
    return git('status', '--porcelain', '--', 'src').trim() === '' ? `(${commit})` : `(${commit}, and changes)`;
  } catch {
    return '(unknown commit)';
  }
}
