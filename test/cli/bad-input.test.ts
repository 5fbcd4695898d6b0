import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort, startServer } from '../../src/ops/embedded/index.ts';
import { type CommandResult, pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { testDatabase, unsupportedServers } from '../support/postgres.ts';

/** Every refusal is short, has no stack trace and goes to stderr. */
function expectRefusal({ code, stdout, stderr }: CommandResult, expected: { code: number; text: RegExp }): void {
  expect(stderr).toMatch(expected.text);
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(stderr.split('\n').length).toBeLessThan(12);
  expect(stdout).toBe('');
  expect(code).toBe(expected.code);
}

test('an unknown command names the nearest one', async () => {
  expectRefusal(await pitcrew(['serv']), { code: 2, text: /unknown command 'serv'[\s\S]*Did you mean serve/ });
});

test('an unknown flag and a missing value are usage errors', async () => {
  expectRefusal(await pitcrew(['serve', '--prot', '1']), { code: 2, text: /unknown option '--prot'/ });
  expectRefusal(await pitcrew(['monitor', '--interval', 'soon']), { code: 2, text: /Give seconds from 0\.5 to 3600/ });
  expectRefusal(await pitcrew(['serve', '--port']), { code: 2, text: /argument missing/ });
});

test('no command at all prints the help and is a usage error', async () => {
  const { code, stdout, stderr } = await pitcrew([]);
  expect(stdout + stderr).toMatch(/Usage: pitcrew/);
  expect(code).toBe(2);
});

test('an unknown config key is refused before anything starts', async () => {
  const cwd = testFolder();
  writeFileSync(join(cwd, 'pitcrew.config.ts'), "export default { databases: { a: 'postgres://h/a' }, sevrer: {} };");
  expectRefusal(await pitcrew(['serve'], { cwd }), { code: 2, text: /sevrer .*unknown key, did you mean "server"\?/ });
});

test('no database, a bad URL and an unknown name are told apart', async () => {
  expectRefusal(await pitcrew(['serve']), { code: 2, text: /no database is given[\s\S]*DATABASE_URL/ });
  expectRefusal(await pitcrew(['doctor', '--database', 'mysql://root:hunter2@h/d']), {
    code: 2,
    text: /databases\.main \(--database\)/,
  });
  expectRefusal(await pitcrew(['doctor', '--database', 'shop']), { code: 2, text: /no database is called "shop"/ });
});

test('a server that cannot be reached is exit code 3 with a hint', async () => {
  const url = `postgres://nobody:hunter2@127.0.0.1:${await freePort()}/none`;
  const { code, stdout, stderr } = await pitcrew(['doctor', '--database', url]);
  expect(stdout).toMatch(/unreachable: .*127\.0\.0\.1/);
  expect(stdout + stderr).not.toContain('hunter2');
  expect(code).toBe(3);
});

test('a database that does not exist is exit code 3', async () => {
  await using database = await testDatabase();
  const { code, stdout } = await pitcrew(['monitor', '--interval', '0.5', '--database', `${database.url}x`]);
  expect(stdout).toMatch(/refused: [^?]*does not\s+exist/);
  expect(code).toBe(3);
});

test.each(unsupportedServers())('version $major is too old, which is said, and by --json too', async ({ binaries }) => {
  const server = await startServer({ dataDir: join(testFolder(), 'old'), binaries });
  try {
    const plain = await pitcrew(['doctor', '--database', server.url()]);
    expect(plain.stdout).toMatch(/unsupported: .*14/);
    expect(plain.code).toBe(3);
    const json = await pitcrew(['doctor', '--json', '--database', server.url()]);
    expect(JSON.parse(json.stdout)).toMatchObject({ databases: [{ connection: 'unsupported' }] });
    expect(json.code).toBe(3);
  } finally {
    await server.stop('immediate');
  }
});

test('with --json an error is one JSON document', async () => {
  const { code, stdout } = await pitcrew(['monitor', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_USAGE', message: 'no database is given' } });
  expect(code).toBe(2);
});

test('a data directory that is a file or cannot be made is refused', async () => {
  const folder = testFolder();
  writeFileSync(join(folder, 'file'), '');
  const args = ['serve', '--port', '0', '--database', 'postgres://127.0.0.1:1/none', '--data-dir'];
  expectRefusal(await pitcrew([...args, join(folder, 'file')]), { code: 2, text: /E_DATA_DIR/ });
  expectRefusal(await pitcrew([...args, '/proc/pitcrew']), { code: 2, text: /E_DATA_DIR/ });
});

test('a port in use is refused with a hint, and the embedded store is stopped again', async () => {
  const folder = testFolder();
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  const port = typeof address === 'object' && address ? String(address.port) : '';
  const args = ['serve', '--quiet', '--database', 'postgres://127.0.0.1:1/none', '--data-dir', join(folder, 'd')];
  const { code, stderr } = await pitcrew([...args, '--port', port, '--log-level', 'silent']);
  taken.close();
  expectRefusal({ code, stderr, stdout: '' }, { code: 3, text: /port \d+ is in use[\s\S]*--port/ });
});

test('beyond loopback it refuses to start without a token', async () => {
  const args = ['serve', '--database', 'postgres://127.0.0.1:1/none', '--data-dir', join(testFolder(), 'd')];
  const { code, stderr, stdout } = await pitcrew([
    ...args,
    '--host',
    '0.0.0.0',
    '--port',
    '0',
    '--log-level',
    'silent',
  ]);
  expectRefusal({ code, stderr, stdout }, { code: 4, text: /refusing to listen on 0\.0\.0\.0[\s\S]*PITCREW_TOKEN/ });
});

test('init never overwrites a config by itself', async () => {
  const cwd = testFolder();
  expect((await pitcrew(['init'], { cwd })).code).toBe(0);
  expectRefusal(await pitcrew(['init'], { cwd }), { code: 4, text: /exists already[\s\S]*--force/ });
  mkdirSync(join(cwd, 'closed'));
  expectRefusal(await pitcrew(['init', '--file', 'closed'], { cwd }), { code: 4, text: /exists already/ });
});
