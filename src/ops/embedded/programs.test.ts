import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { embeddedBinaries, startServer } from './index.ts';
import { serverIdentity } from './identity.ts';
import { usablePrograms } from './programs.ts';

const root = process.getuid?.() === 0;
/** The npm package's folder. */
const packageRoot = join(dirname(embeddedBinaries().binDir), '..');

/** A copy of the package as npm leaves it when it runs no install scripts: without links. */
function packageWithoutLinks(to: string): string {
  cpSync(packageRoot, to, { recursive: true, verbatimSymlinks: true, filter: (source) => !source.endsWith('.a') });
  const links = JSON.parse(readFileSync(join(to, 'native', 'pg-symlinks.json'), 'utf8')) as { target: string }[];
  for (const { target } of links) rmSync(join(to, target), { force: true });
  return join(to, 'native', 'bin');
}

describe('programs', () => {
  test('get the links to their libraries that npm left out', async () => {
    await using folder = temporaryFolder();
    const binDir = packageWithoutLinks(join(folder.path, 'package'));
    const programs = await usablePrograms({ binDir }, serverIdentity(folder.path), folder.path);
    expect(programs).toMatchObject({ binDir, version: { major: 18 } });
  });

  // Only root runs the server as another user, who may be shut out of a home directory.
  test.runIf(root)('that the server may not reach are copied once', async () => {
    await using folder = temporaryFolder();
    const home = join(folder.path, 'home');
    mkdirSync(home, { mode: 0o700 });
    const binDir = packageWithoutLinks(join(home, 'package'));
    const dataDir = join(folder.path, 'state', 'store');
    const server = await startServer({ dataDir, binaries: { binDir }, settings: { fsync: 'off' } });
    await server.stop();
    const copy = await usablePrograms({ binDir }, serverIdentity(dataDir), dirname(dataDir));
    expect(dirname(dirname(dirname(copy.binDir)))).toBe(dirname(dataDir));
  });

  test('that are not there are an error with a hint', async () => {
    await using folder = temporaryFolder();
    await expect(usablePrograms({ binDir: folder.path }, undefined, folder.path)).rejects.toMatchObject({
      code: 'E_EMBEDDED',
      hint: expect.stringMatching(/npm install/),
    });
  });
});

describe.runIf(root)('as root', () => {
  test('the server runs as the user behind sudo, else as postgres or nobody, and as the owner of what is there', async () => {
    await using folder = temporaryFolder();
    const absent = join(folder.path, 'absent');
    expect(serverIdentity(absent, { SUDO_UID: '1' })).toMatchObject({ uid: 1 });
    expect(['postgres', 'nobody']).toContain(serverIdentity(absent, {})?.name);
    expect(['postgres', 'nobody']).toContain(serverIdentity(absent, { SUDO_UID: '0' })?.name);
    chownSync(folder.path, 2, 2);
    expect(serverIdentity(folder.path, { SUDO_UID: '1' })).toMatchObject({ uid: 2 });
  });

  test('a folder that this user cannot reach is refused with a hint', async () => {
    await using folder = temporaryFolder();
    const closed = join(folder.path, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    await expect(startServer({ dataDir: join(closed, 'data') })).rejects.toMatchObject({
      code: 'E_DATA_DIR',
      message: expect.stringMatching(/cannot reach/),
      hint: expect.stringMatching(/chmod/),
    });
    expect(existsSync(join(closed, 'data'))).toBe(false);
  });
});

describe.runIf(root)('as a plain user', () => {
  const script = fileURLToPath(new URL('../../../test/support/server-owner.ts', import.meta.url));
  const asNobody = (dataDir: string): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, ['--no-warnings', script, dataDir], {
      uid: 65_534,
      gid: 65_534,
      cwd: '/',
      env: {},
      input: 'end\n',
      encoding: 'utf8',
    });

  test('the server starts and stops', async () => {
    await using folder = temporaryFolder();
    chownSync(folder.path, 65_534, 65_534);
    const ran = asNobody(join(folder.path, 'new', 'data'));
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
    expect(String(ran.stdout)).toMatch(/postgres:/);
  });

  test('a folder without the right to write is refused', async () => {
    await using folder = temporaryFolder();
    chmodSync(folder.path, 0o755);
    const ran = asNobody(join(folder.path, 'data'));
    expect(ran.status).toBe(1);
    expect(String(ran.stderr)).toMatch(/E_DATA_DIR[^]*cannot write to|cannot write to[^]*E_DATA_DIR/);
  });
});
