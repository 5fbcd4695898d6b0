import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverIdentity, spawnAs } from '../../src/ops/embedded/identity.ts';
import { freePort } from '../../src/ops/embedded/index.ts';
import { watchOver } from '../../src/ops/embedded/watchdog.ts';
import { temporaryFolder } from './folder.ts';
import { installWithApt, programPath } from './programs.ts';

/** A program to start servers of our own with, or a server that is there (`REDIS_URL`), or in words why there is neither. */
type FoundRedis = { path: string; version: string } | { url: string } | { missing: string };

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Holds still everything, as a machine that swaps does; connections stay open. */
  freeze(): void;
  thaw(): void;
  /** Ends it at once. What it had is lost. */
  stop(): Promise<void>;
  /** Starts it again on the same port, empty, after `stop`. */
  start(): Promise<void>;
}

let found: FoundRedis | undefined;

/** `redis-server` on PATH, else the server of `REDIS_URL`, else installed with apt where we are root and apt works. */
function findRedis(): FoundRedis {
  return (found ??= look() ?? fromEnvironment() ?? install());
}

function look(): FoundRedis | undefined {
  const path = programPath('redis-server');
  if (path === undefined) return undefined;
  const version = /v=(\S+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout)?.[1];
  return version === undefined ? undefined : { path, version };
}

function fromEnvironment(): FoundRedis | undefined {
  const url = process.env.REDIS_URL;
  return url ? { url } : undefined;
}

function install(): FoundRedis {
  const reason = installWithApt('redis-server');
  return look() ?? { missing: `redis-server is not installed, REDIS_URL is not set, and ${reason}` };
}

/** Why there can be no servers of our own, to be stopped and frozen; `undefined` when there can. For `skipIf`. */
export function noOwnRedis(): string | undefined {
  const redis = findRedis();
  if ('missing' in redis) return redis.missing;
  return 'url' in redis ? 'redis-server is not installed; the server of REDIS_URL is not ours to break' : undefined;
}

/**
 * Starts a server on a free port of 127.0.0.1 that keeps nothing on disk, until the scope ends.
 * @param settings of redis.conf: `{ maxmemory: '8mb', 'cluster-enabled': 'yes' }`; with those of a sentinel it is one
 */
export async function startRedis(settings: Record<string, string> = {}): Promise<RedisServer> {
  const redis = findRedis();
  if (!('path' in redis)) throw new Error(noOwnRedis());
  const { path: program } = redis;
  const folder = temporaryFolder();
  const identity = serverIdentity(folder.path);
  if (identity) chownSync(folder.path, identity.uid, identity.gid);
  let child: ChildProcess | undefined;
  let ended: Promise<unknown> | undefined;
  let callOff: (() => void) | undefined;
  let port = 0;

  const startAt = async (): Promise<string | undefined> => {
    const config = {
      port: String(port),
      bind: '127.0.0.1',
      dir: folder.path,
      save: '""',
      appendonly: 'no',
      ...settings,
    };
    const file = join(folder.path, 'redis.conf');
    writeFileSync(
      file,
      Object.entries(config)
        .map(([name, value]) => `${name} ${value}\n`)
        .join(''),
    );
    if (identity) chownSync(file, identity.uid, identity.gid);
    const isSentinel = Object.keys(settings).some((name) => name.startsWith('sentinel '));
    child = spawn(program, [file, ...(isSentinel ? ['--sentinel'] : [])], {
      ...spawnAs(identity),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    ended = once(child, 'close');
    callOff = child.pid === undefined ? undefined : watchOver(child.pid, identity);
    return untilUp(child, ended);
  };
  const stop = async (): Promise<void> => {
    // It keeps nothing, so there is nothing to end in good order; and it may be frozen.
    child?.kill('SIGKILL');
    await ended;
    callOff?.();
  };
  for (let attempt = 1; ; attempt += 1) {
    port = await freePort();
    const log = await startAt();
    if (log === undefined) break;
    callOff?.();
    // Another program took the free port first.
    if (attempt < 5 && /in use/.test(log)) continue;
    throw new Error(`redis-server does not start: ${log}`);
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    freeze: () => child?.kill('SIGSTOP'),
    thaw: () => child?.kill('SIGCONT'),
    stop,
    async start() {
      const log = await startAt();
      if (log !== undefined) throw new Error(`redis-server does not start again: ${log}`);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Starts a cluster of so many nodes without replicas, the slots shared out evenly. */
export async function startRedisCluster(nodes: number): Promise<{ urls: string[]; ports: number[] } & AsyncDisposable> {
  const { createClient } = await import('redis');
  const servers = await Promise.all(
    Array.from({ length: nodes }, (_, i) =>
      startRedis({
        'cluster-enabled': 'yes',
        'cluster-config-file': `nodes-${i}.conf`,
        'cluster-node-timeout': '2000',
      }),
    ),
  );
  const clients = await Promise.all(servers.map(({ url }) => createClient({ url }).connect()));
  const share = Math.ceil(16_384 / nodes);
  await Promise.all(
    clients.map((client, i) =>
      client.sendCommand([
        'CLUSTER',
        'ADDSLOTSRANGE',
        String(i * share),
        String(Math.min((i + 1) * share, 16_384) - 1),
      ]),
    ),
  );
  await Promise.all(clients.map((client, i) => client.sendCommand(['CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1)])));
  for (const { port } of servers.slice(1))
    await clients[0]?.sendCommand(['CLUSTER', 'MEET', '127.0.0.1', String(port)]);
  for (const client of clients) {
    for (;;) {
      const info = String(await client.sendCommand(['CLUSTER', 'INFO']));
      if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`)) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    client.destroy();
  }
  return {
    urls: servers.map(({ url }) => url),
    ports: servers.map(({ port }) => port),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/** Waits until it listens. @returns its log when it ended instead. */
async function untilUp(child: ChildProcess, ended: Promise<unknown>): Promise<string | undefined> {
  let log = '';
  const up = new Promise<boolean>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        if (log.length < 10_000) log += text;
        if (/Ready to accept connections|Sentinel ID is/.test(log)) resolve(true);
      });
    }
  });
  return (await Promise.race([up, ended.then(() => false)])) ? undefined : log;
}
