// Backups of one PostgreSQL 15 of 2 GB, made and restored by Pitcrew (not encrypted, and encrypted), pg_basebackup (tar, gzip) and Debian's
// pgbackrest (zstd, one process) in turn, while pgbench goes on at a steady rate. Everything is in a scratch folder below that of temporary
// files, so that all write to the same disk. `--scale 2.1` (GB), `--rounds 3`; `--quick` 0.3 GB and one round; `--markdown` prints tables.
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type EmbeddedServer, serverIdentity, startServer } from '../../src/ops/embedded/index.ts';
import { serverSeconds } from '../support/backup/measured.ts';
import { withPulse } from '../support/backup/pulse.ts';
import { aimsOf, caseName, metrics } from '../support/backup/report.ts';
import { binaries, postmasterOf, query, settings, startSource } from '../support/backup/server.ts';
import { archiveCommandOf, type Subject, subjectsFor } from '../support/backup/subjects.ts';
import { findPgbench, pgbenchVersion } from '../support/pgbench.ts';
import { Readings } from '../support/readings.ts';
import type { BenchResult } from '../support/result.ts';
import { pitcrewVersion } from '../support/version.ts';

export { markdown } from '../support/backup/report.ts';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { values } = parseArgs({
    args,
    options: {
      json: { type: 'boolean' },
      markdown: { type: 'boolean' },
      quick: { type: 'boolean', default: false },
      scale: { type: 'string' },
      rounds: { type: 'string' },
      subject: { type: 'string', multiple: true },
    },
  });
  const scale = Number(values.scale ?? (values.quick ? 0.3 : 2.1));
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 3));
  const pgbench = findPgbench();
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'pitcrew-bench-backup-'));
  let source: EmbeddedServer | undefined;
  try {
    // The server's user, who owns what is stored, makes folders here too.
    chmodSync(folder, 0o777);
    say(`Preparing ${scale} GB …`);
    source = await startSource(folder, scale, archiveCommandOf(folder));
    const user = serverIdentity(source.dataDir) ?? {};
    const place = { folder, dataDir: source.dataDir, url: source.url(), user };
    const { subjects, missing } = await subjectsFor(place);
    for (const reason of missing) say(`Left out: ${reason}.`);
    const wanted = subjects.filter(({ name }) => values.subject?.includes(name) ?? true);
    const versions = {
      ...(await versionsOf(source, pgbench, wanted)),
      ...(missing.length > 0 ? { without: missing.join('; ') } : {}),
    };
    const readings = new Readings();
    for (let round = 0; round < rounds; round += 1) {
      // Each is first, last and between in turn.
      const order = wanted.map((_, index) => wanted[(index + round) % wanted.length]);
      await quiet(pgbench, source, readings);
      for (const subject of order) if (subject) await measure(subject, { folder, source, pgbench, readings, round });
    }
    return { versions, rows: readings.rows(), aims: aimsOf(readings) };
  } finally {
    await source?.stop('immediate');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

interface Context {
  folder: string;
  source: EmbeddedServer;
  pgbench: string;
  readings: Readings;
  round: number;
}

const quietMs = 8000;

/** What pgbench's transactions take without a backup. */
async function quiet(pgbench: string, source: EmbeddedServer, readings: Readings): Promise<void> {
  const { p99 } = await withPulse(pgbench, source.url(), () => delay(quietMs));
  readings.add(caseName, 'no backup', ...metrics.p99, p99);
}

async function measure(subject: Subject, { folder, source, pgbench, readings, round }: Context): Promise<void> {
  const add = (metric: keyof typeof metrics, value: number): void =>
    readings.add(caseName, subject.name, metrics[metric][0], metrics[metric][1], value);
  await subject.prepare();
  // Nobody pays for what an earlier one has left to be written.
  await query(source.url(), 'CHECKPOINT');
  const before = serverSeconds(postmasterOf(source));
  const { result: made, p99 } = await withPulse(pgbench, source.url(), () => subject.backUp());
  add('wall', made.seconds);
  add('cpu', made.cpuSeconds);
  add('serverCpu', serverSeconds(postmasterOf(source)) - before);
  add('memory', made.peakMb);
  add('stored', subject.storedBytes() / 1e6);
  add('p99', p99);
  const to = join(folder, 'restored');
  const ready = await restored(subject, to, add);
  if (subject.fetch) add('fetch', (await subject.fetch(join(folder, 'segment'))).seconds * 1000);
  rmSync(join(folder, 'segment'), { force: true });
  say(`round ${round + 1}: ${subject.name} ${made.seconds.toFixed(1)} s, ready again in ${ready.toFixed(1)} s`);
}

/** Restores, starts, and waits until a write is accepted. @returns how long all of it took, in seconds */
async function restored(
  subject: Subject,
  dataDir: string,
  add: (metric: keyof typeof metrics, value: number) => void,
): Promise<number> {
  const began = performance.now();
  let server: EmbeddedServer | undefined;
  try {
    const { cpuSeconds, peakMb } = await subject.restore(dataDir);
    server = await startServer({ dataDir, binaries, settings });
    await accepted(server);
    const seconds = (performance.now() - began) / 1000;
    add('ready', seconds);
    add('restoreCpu', cpuSeconds);
    add('restoreMemory', peakMb);
    return seconds;
  } finally {
    await server?.stop('immediate');
    for (const suffix of ['', '.log', '.log.1', '.lock']) rmSync(dataDir + suffix, { recursive: true, force: true });
  }
}

const patienceMs = 300_000;

/** While it recovers, a server refuses writes. */
async function accepted(server: EmbeddedServer): Promise<void> {
  for (const giveUp = Date.now() + patienceMs; ; await delay(20)) {
    try {
      await query(server.url(), 'UPDATE pulse SET beats = beats + 1 WHERE id = 1');
      return;
    } catch (error) {
      if (Date.now() > giveUp) throw error;
    }
  }
}

async function versionsOf(
  source: EmbeddedServer,
  pgbench: string,
  subjects: readonly Subject[],
): Promise<Record<string, string>> {
  const [found] = await query<{ version: string; mb: number }>(
    source.url(),
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version, (sum(pg_database_size(oid)) / 1e6)::float8 AS mb
     FROM   pg_database`,
  );
  return {
    pitcrew: pitcrewVersion(),
    node: process.versions.node,
    postgresql: found?.version ?? '',
    pgbench: pgbenchVersion(pgbench),
    ...Object.fromEntries(subjects.flatMap(({ name, version }) => (version === '' ? [] : [[name, version]]))),
    'database, MB': String(Math.round(found?.mb ?? 0)),
  };
}
