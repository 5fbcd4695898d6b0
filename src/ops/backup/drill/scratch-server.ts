import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { PitcrewError } from '../../../errors.ts';
import {
  asDataDirError,
  type Identity,
  type Programs,
  type Running,
  runServer,
  spawnAs,
  startFailure,
} from '../../embedded/index.ts';
import { firstLook } from './look-through.ts';
import type { DrillRecord } from './record.ts';
import type { ScratchSettings } from './scratch-settings.ts';

export interface RecoverOptions {
  dataDir: string;
  programs: Programs;
  identity: Identity | undefined;
  settings: ScratchSettings;
  /** So long it may take. */
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** A scratch server that has recovered, and a role that may do everything there. */
export interface Recovered {
  server: Running;
  role: string;
  reached: DrillRecord['reached'];
  recoveryMs: number;
}

const ownRole = 'pitcrew_drill';

/**
 * Starts the server on the restored files, and waits until it has recovered.
 * @throws {PitcrewError} `E_EMBEDDED` with the last lines of its log, `E_DATA_DIR`, `E_ABORTED`
 */
export async function recover(options: RecoverOptions): Promise<Recovered> {
  const { settings, programs, signal } = options;
  const began = performance.now();
  let server = await start(options);
  const recoveryMs = Math.round(performance.now() - began);
  try {
    const looked = await firstLook({ socket: settings.socket, major: programs.version.major, signal });
    if (looked) return { server, recoveryMs, ...looked };
    // None of the usual roles is there, or may do everything: whoever made the cluster can make one.
    await server.stop('fast');
    await runAlone(options, `CREATE ROLE ${ownRole} SUPERUSER LOGIN;`);
    server = await start(options);
    return { server, role: ownRole, reached: { lsn: null, at: null, timeline: null }, recoveryMs };
  } catch (error) {
    await server.stop('immediate');
    throw error;
  }
}

async function start({ settings, signal, ...options }: RecoverOptions): Promise<Running> {
  const started = await runServer({ ...options, args: settings.args, signal });
  if ('running' in started) return started.running;
  if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the recovery was stopped');
  throw asDataDirError(startFailure('the recovery', options.dataDir, started.log), options.dataDir);
}

/** Runs one statement as whoever made the cluster, whatever that role is called and may do. No server runs there meanwhile. */
async function runAlone({ dataDir, programs, identity, settings }: RecoverOptions, statement: string): Promise<void> {
  const args = ['--single', '-D', dataDir, ...settings.args, 'template1'];
  const child = spawn(join(programs.binDir, 'postgres'), args, {
    ...spawnAs(identity),
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = Promise.withResolvers<number | null>();
  child.once('error', ended.reject).once('close', ended.resolve);
  child.stdin.on('error', () => {});
  child.stdin.end(`${statement}\n`);
  const said = await readAll(child.stderr);
  if ((await ended.promise) !== 0 || /ERROR:/.test(said)) {
    throw startFailure('a statement in single-user mode', dataDir, said.slice(-4000));
  }
}
