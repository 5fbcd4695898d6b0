import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serverIdentity, spawnAs } from '../../src/ops/embedded/identity.ts';
import { freePort } from '../../src/ops/embedded/index.ts';
import { watchOver } from '../../src/ops/embedded/watchdog.ts';
import { temporaryFolder } from './folder.ts';
import { installWithApt, programPath } from './programs.ts';

export interface PgBouncerProgram {
  path: string;
  /** `1.18`. */
  version: string;
  /** 1.21 and newer can keep named statements apart in transaction mode (`max_prepared_statements`). */
  tracksPreparedStatements: boolean;
}

export interface PgBouncerOptions {
  /** By the database name that clients ask for: the URL of the server's database. */
  backends: Record<string, string>;
  poolMode?: 'session' | 'transaction' | 'statement';
  /** 0 turns it off. Left out by versions that do not know it. */
  maxPreparedStatements?: number;
  /** More lines of the section [pgbouncer]: `{ default_pool_size: '1' }`. */
  settings?: Record<string, string>;
}

export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
  /** The URL of a backend by its name, through PgBouncer, with the user and password of its own URL. */
  url(name: string): string;
  /** For `SHOW POOLS`, `PAUSE`, `RELOAD` and the like, which take the simple protocol only. */
  readonly adminUrl: string;
  /** Leads names to other servers from now on, as a failover script does. Needs `RELOAD` at `adminUrl`. */
  rewrite(backends: Record<string, string>): void;
  /** Ends it at once: clients are cut off. */
  stop(): Promise<void>;
}

const adminUser = 'pgbouncer_admin';
const adminPassword = 'of the bouncer';

let found: PgBouncerProgram | { missing: string } | undefined;

/**
 * PgBouncer on PATH or in /usr/sbin, else installed with apt where we are root and apt works; or in words why there is
 * none, for `skip`.
 */
export function findPgBouncer(): PgBouncerProgram | { missing: string } {
  return (found ??= look() ?? install());
}

function look(): PgBouncerProgram | undefined {
  const path = programPath('pgbouncer');
  if (path === undefined) return undefined;
  const [, major, minor] =
    /PgBouncer (\d+)\.(\d+)/.exec(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout) ?? [];
  if (major === undefined || minor === undefined) return undefined;
  const tracksPreparedStatements = Number(major) > 1 || Number(minor) >= 21;
  return { path, version: `${major}.${minor}`, tracksPreparedStatements };
}

function install(): PgBouncerProgram | { missing: string } {
  const reason = installWithApt('pgbouncer');
  return look() ?? { missing: `PgBouncer is not installed, and ${reason}` };
}

/** Starts PgBouncer on a free port of 127.0.0.1, in transaction mode unless told otherwise, until the scope ends. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const program = findPgBouncer();
  if ('missing' in program) throw new Error(program.missing);
  const folder = temporaryFolder();
  // PgBouncer refuses to run as root.
  const identity = serverIdentity(folder.path);
  const write = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    if (identity) chownSync(path, identity.uid, identity.gid);
    return path;
  };
  const users = (backends: Record<string, string>): string => {
    const logins = new Map(Object.values(backends).map((url) => loginOf(url)));
    return [...logins.set(adminUser, adminPassword)].map(([user, password]) => `"${user}" "${password}"\n`).join('');
  };
  const auth_file = write('users.txt', users(options.backends));
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const config = (backends: Record<string, string>): string =>
      [
        '[databases]',
        ...Object.entries(backends).map(([name, url]) => `${name} = ${backend(url)}`),
        '[pgbouncer]',
        ...Object.entries({
          listen_addr: '127.0.0.1',
          listen_port: String(port),
          unix_socket_dir: '',
          auth_type: 'scram-sha-256',
          auth_file,
          admin_users: adminUser,
          pool_mode: options.poolMode ?? 'transaction',
          server_login_retry: '1',
          ...(program.tracksPreparedStatements && options.maxPreparedStatements !== undefined
            ? { max_prepared_statements: String(options.maxPreparedStatements) }
            : {}),
          ...options.settings,
        }).map(([name, value]) => `${name} = ${value}`),
        '',
      ].join('\n');
    const child = spawn(program.path, [write('pgbouncer.ini', config(options.backends))], {
      ...spawnAs(identity),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = once(child, 'close');
    const callOff = child.pid === undefined ? undefined : watchOver(child.pid, identity);
    const log = await untilUp(child, ended);
    const stop = async (): Promise<void> => {
      // It keeps nothing on disk, so there is nothing to end in good order.
      child.kill('SIGKILL');
      await ended;
      callOff?.();
      await folder[Symbol.asyncDispose]();
    };
    if (log === undefined) {
      return {
        port,
        url: (name) => through(options.backends[name] ?? '', port, name),
        adminUrl: `postgres://${adminUser}:${encodeURIComponent(adminPassword)}@127.0.0.1:${port}/pgbouncer`,
        rewrite(backends) {
          write('users.txt', users(backends));
          write('pgbouncer.ini', config(backends));
        },
        stop,
        [Symbol.asyncDispose]: stop,
      };
    }
    callOff?.();
    // Another program took the free port first.
    if (attempt < 5 && /in use/.test(log)) continue;
    await stop();
    throw new Error(`PgBouncer does not start: ${log}`);
  }
}

/** Waits until it listens. @returns its log when it ended instead. */
async function untilUp(child: ChildProcess, ended: Promise<unknown>): Promise<string | undefined> {
  let log = '';
  const up = new Promise<boolean>((resolve) => {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (/process up/.test(log)) resolve(true);
    });
  });
  return (await Promise.race([up, ended.then(() => false)])) ? undefined : log;
}

function loginOf(url: string): [user: string, password: string] {
  const { username, password } = new URL(url);
  return [decodeURIComponent(username), decodeURIComponent(password)];
}

function backend(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `host=${hostname} port=${port} dbname=${decodeURIComponent(pathname.slice(1))}`;
}

function through(url: string, port: number, name: string): string {
  const changed = new URL(url);
  changed.hostname = '127.0.0.1';
  changed.port = String(port);
  changed.pathname = `/${name}`;
  return changed.href;
}
