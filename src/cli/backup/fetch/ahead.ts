import { spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../../../errors.ts';
import { type FetchedLog, fetchComplete, isRunning, segmentsAfter } from '../../../ops/backup/fetch/index.ts';
import { isRecovering, spoolPrefix, type WantedSegment } from './spool.ts';

/** So much is laid out at most, in segments and in bytes: it is beside the server's own log. */
const mostSegments = 8;
const mostBytes = 128 * 1024 * 1024;
/** Without anything being taken for so long, as while recovery is paused, what is laid out goes again. */
const idleMs = 60_000;
const lookEveryMs = 50;

/** In a spool: the segment that was fetched last in the ordinary way, and how long it is. */
const lastFile = 'last';
/** And the process that fills it. */
const fillerFile = 'filler';

/**
 * After a segment was fetched: has a process of its own fetch those that follow, while the server replays this one. Whatever goes wrong there does no harm: what is not
 * laid out is fetched in the ordinary way, and that tells.
 */
export async function beginAhead(repository: FetchedLog, wanted: WantedSegment, words: string[]): Promise<void> {
  const { name, path, spool } = wanted;
  try {
    const { size } = await stat(path);
    const [next] = segmentsAfter(name, size, 1);
    if (size > mostBytes || next === undefined || !isRecovering(wanted) || !(await repository.hasWal(next))) return;
    await mkdir(spool, { recursive: true, mode: 0o700 });
    await writeFile(join(spool, `${lastFile}.new`), `${name} ${size}`, { mode: 0o600 });
    await rename(join(spool, `${lastFile}.new`), join(spool, lastFile));
    if (await hasFiller(spool)) return;
    const program = [...process.execArgv, process.argv[1] ?? ''];
    spawn(process.execPath, [...program, ...words, '--ahead'], { detached: true, stdio: 'ignore' })
      .on('error', () => {})
      .unref();
  } catch {
    // The segment itself is there.
  }
}

/** Lays out what follows, as it is taken, until nothing does, recovery has ended, or nothing is taken any more. Then the spool goes. */
export async function fillAhead(repository: FetchedLog, wanted: WantedSegment): Promise<void> {
  const { spool } = wanted;
  try {
    if (await hasFiller(spool)) return;
    await writeFile(join(spool, fillerFile), String(process.pid), { mode: 0o600 });
    await removeOthers(spool);
    await fill(repository, wanted);
  } catch {
    // As when the disk is full: less is laid out then.
  }
  await rm(spool, { recursive: true, force: true });
}

async function fill(repository: FetchedLog, wanted: WantedSegment): Promise<void> {
  const { spool } = wanted;
  const systemId = (await repository.record())?.systemId;
  const laidOut = new Set<string>();
  let told = '';
  /** The last that the server has got. */
  let last = '';
  let bytes = 0;
  /** Behind it there was nothing more to lay out. */
  let noneAfter: string | undefined;
  let takenAt = performance.now();
  while (isRecovering(wanted) && performance.now() - takenAt < idleMs) {
    const before = last;
    const there = await readdir(spool);
    for (const name of laidOut) {
      if (there.includes(name)) continue;
      last = name;
      laidOut.delete(name);
    }
    const now = await readFile(join(spool, lastFile), 'utf8');
    if (now !== told) {
      told = now;
      last = now.split(' ')[0] ?? '';
      bytes = Number(now.split(' ')[1]);
    }
    if (last !== before) takenAt = performance.now();
    const next = segmentsAfter(last, bytes, Math.min(mostSegments, Math.floor(mostBytes / bytes)));
    for (const name of laidOut) {
      // The server has gone on somewhere else, as on another timeline.
      if (next.includes(name)) continue;
      await rm(join(spool, name), { force: true });
      laidOut.delete(name);
    }
    const due = noneAfter === last ? undefined : next.find((name) => !laidOut.has(name));
    const fetched =
      // What cannot be fetched is told when it is asked for.
      due !== undefined && (await fetchComplete(repository, due, join(spool, due), systemId).catch(() => false));
    if (fetched) {
      laidOut.add(due);
      continue;
    }
    if (due !== undefined) noneAfter = last;
    if (laidOut.size === 0) return;
    await delay(lookEveryMs);
  }
}

/** Whether a process that is there fills it. */
async function hasFiller(spool: string): Promise<boolean> {
  try {
    return isRunning(Number(await readFile(join(spool, fillerFile), 'utf8')));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Those of earlier runs of the server, whose filler was killed. */
async function removeOthers(spool: string): Promise<void> {
  const folder = dirname(spool);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(spoolPrefix) || name === basename(spool)) continue;
    await rm(join(folder, name), { recursive: true, force: true });
  }
}
