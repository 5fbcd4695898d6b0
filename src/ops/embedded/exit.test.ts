import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { startServer } from './index.ts';

const script = fileURLToPath(new URL('../../../test/support/server-owner.ts', import.meta.url));

interface Owner {
  process: ChildProcess;
  url: string;
  /** Process id of the server. */
  server: number;
  ended: Promise<unknown>;
  stderr: () => string;
}

/** Starts a process that owns a server; resolves when the server is ready. */
async function startOwner(dataDir: string, how = 'return'): Promise<Owner> {
  const child = spawn(process.execPath, ['--no-warnings', script, dataDir, how], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', resolve);
    void ended.then(() => reject(new Error(stderr)));
  });
  const { url } = JSON.parse(line) as { url: string };
  const server = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  return { process: child, url, server, ended, stderr: () => stderr };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

const untilGone = (pid: number): Promise<void> =>
  vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 20_000, interval: 20 });

describe('a server ends with its process', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('that dies of %s', async (signal) => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const owner = await startOwner(dataDir);
    owner.process.kill(signal);
    expect(await owner.ended).toBe(signal);
    await untilGone(owner.server);
    expect(existsSync(join(dataDir, 'postmaster.pid'))).toBe(false);
  });

  test.each([
    ['throws', 'throw', 1],
    ['calls process.exit', 'exit', 7],
    ['has nothing left to do', 'return', 0],
  ])('that %s', async (_, how, code) => {
    await using folder = temporaryFolder();
    const owner = await startOwner(join(folder.path, 'data'), how);
    owner.process.stdin?.write('end\n');
    expect(await owner.ended).toBe(code);
    await untilGone(owner.server);
  });
});

describe('after kill -9', () => {
  test('a server that was left running is stopped and its data is there', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const owner = await startOwner(dataDir);
    const client = new pg.Client(owner.url);
    client.on('error', () => {});
    await client.connect();
    await client.query('CREATE TABLE kept AS SELECT 1 AS one');
    // Not even the watchdog is left.
    killChildren(owner.process.pid ?? 0, 'pitcrew-watchdog');
    owner.process.kill('SIGKILL');
    await owner.ended;
    expect(isRunning(owner.server)).toBe(true);

    const server = await startServer({ dataDir });
    expect(isRunning(owner.server)).toBe(false);
    const again = new pg.Client(server.url());
    await again.connect();
    expect((await again.query('SELECT one FROM kept')).rows).toEqual([{ one: 1 }]);
    await again.end();
    await server.stop();
  });

  test('a pid file that names another program does not keep the server from starting', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    await (await startServer({ dataDir, settings: { fsync: 'off' } })).stop();
    // As after a power failure: the process id belongs to somebody else now, here to this very process.
    writeFileSync(join(dataDir, 'postmaster.pid'), `${process.pid}\n${dataDir}\n0\n5432\n\n127.0.0.1\n\nready\n`);
    writeFileSync(`${dataDir}.lock.pid`, `${process.pid}\n`);
    const server = await startServer({ dataDir, settings: { fsync: 'off' } });
    await server.stop();
  });

  test('a killed server is started again with crash recovery', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const first = await startServer({ dataDir });
    const pid = Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
    process.kill(pid, 'SIGKILL');
    await first.exited;
    const second = await startServer({ dataDir });
    await second.stop();
  });

  test('two processes cannot work in one folder; the second is told who does', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const owner = await startOwner(dataDir);
    await expect(startServer({ dataDir })).rejects.toMatchObject({
      code: 'E_DATA_DIR',
      message: `"${dataDir}" is in use`,
      detail: `Process ${owner.process.pid} works in it.`,
    });
    owner.process.kill('SIGKILL');
    await owner.ended;
    const server = await startServer({ dataDir });
    await server.stop();
  });
});

function killChildren(parent: number, word: string): void {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ');
  for (const child of children.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word))) {
    process.kill(Number(child), 'SIGKILL');
  }
}
