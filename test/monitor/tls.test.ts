import { chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { connectDatabase, type DatabaseConnection } from '../../src/engine/postgres/index.ts';
import { openStore } from '../../src/ops/store/index.ts';
import { type Certificate, certificateAuthority } from '../support/certificates.ts';
import { pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { type ScratchServer, scratchServer, testDatabase } from '../support/postgres.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder.path, name);
let server: ScratchServer;

/** A server that takes TLS on demand, has a certificate for `localhost`, and lets `certified` in with a certificate only. */
beforeAll(async () => {
  const authority = certificateAuthority('The CA of the tests');
  writeFileSync(file('ca.pem'), authority.certificate);
  writeFileSync(file('other-ca.pem'), certificateAuthority('Another CA').certificate);
  writeFileSync(file('junk.pem'), 'no certificate');
  const save = (name: string, { certificate, key }: Certificate) => {
    writeFileSync(file(`${name}.pem`), certificate);
    writeFileSync(file(`${name}.key`), key, { mode: 0o600 });
  };
  save('server', authority.issue('server', ['localhost']));
  save('certified', authority.issue('certified'));
  server = await scratchServer();
  const { uid, gid } = statSync(server.dataDir);
  chownSync(file('server.key'), uid, gid);
  const rules = join(server.dataDir, 'pg_hba.conf');
  const rejected = 'hostnossl all encrypted all reject\n';
  writeFileSync(rules, `hostssl all certified all cert\n${rejected}${readFileSync(rules, 'utf8')}`);
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`CREATE ROLE certified LOGIN; CREATE ROLE encrypted LOGIN PASSWORD 'encrypted'`);
  for (const [name, path] of [
    ['ssl_cert_file', 'server.pem'],
    ['ssl_key_file', 'server.key'],
    ['ssl_ca_file', 'ca.pem'],
  ] as const) {
    await admin.query(`ALTER SYSTEM SET ${name} = '${file(path)}'`);
  }
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  await vi.waitFor(async () => expect((await admin.query('SHOW ssl')).rows).toEqual([{ ssl: 'on' }]), {
    timeout: 20_000,
  });
  await admin.end();
});
afterAll(async () => {
  await server.stop('immediate');
  await folder[Symbol.asyncDispose]();
});

/** The server's URL with a query part in which `@` stands for the folder of certificates. */
function url(query: string, { host = 'localhost', user }: { host?: string; user?: string } = {}): string {
  const changed = new URL(server.url());
  changed.hostname = host;
  if (user) [changed.username, changed.password] = [user, user];
  return `${changed.href}?${query.replaceAll('@', `${folder.path}/`)}`;
}

/** Whether a connection is encrypted, or why there is none. */
async function encrypted(target: string): Promise<unknown> {
  let connection: DatabaseConnection | undefined;
  try {
    connection = await connectDatabase({ url: target });
    const [row] = await connection.run<{ ssl: boolean }>(
      'SELECT ssl AS "ssl" FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    return row?.ssl;
  } catch (error) {
    return error;
  } finally {
    await connection?.close();
  }
}

describe('with the meaning that libpq gives', () => {
  test.each([
    ['sslmode=disable', false],
    ['sslmode=allow', true],
    ['sslmode=prefer', true],
    ['sslmode=prefer&sslrootcert=@other-ca.pem', true],
    ['sslmode=require', true],
    ['sslmode=require&sslrootcert=@ca.pem', true],
    ['sslmode=verify-ca&sslrootcert=@ca.pem', true],
    ['sslmode=verify-full&sslrootcert=@ca.pem', true],
  ])('%s', async (query, expected) => {
    expect(await encrypted(url(query))).toBe(expected);
  });

  test('verify-ca does not ask for whom the certificate was made', async () => {
    expect(await encrypted(url('sslmode=verify-ca&sslrootcert=@ca.pem', { host: '127.0.0.1' }))).toBe(true);
  });

  test('a certificate of ours is shown', async () => {
    const query = 'sslmode=verify-full&sslrootcert=@ca.pem&sslcert=@certified.pem&sslkey=@certified.key';
    expect(await encrypted(url(query, { user: 'certified' }))).toBe(true);
  });

  test('the store takes the same URL', async () => {
    const { retention } = configDefinition.parse({}).store;
    const store = await openStore({ url: url('sslmode=require'), retention });
    expect(store.status().state).toBe('ready');
    await store.close();
    const refused = openStore({ url: url('sslmode=verify-full&sslrootcert=@other-ca.pem'), retention });
    await expect(refused).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
  });
});

describe('what goes wrong is told with the way out', () => {
  test.each([
    ['sslmode=require&sslrootcert=@other-ca.pem', 'E_DATABASE_REFUSED', /not trusted/, /sslrootcert=FILE/],
    ['sslmode=verify-full&sslrootcert=@other-ca.pem', 'E_DATABASE_REFUSED', /not trusted/, /sslrootcert=FILE/],
    ['sslmode=verify-full', 'E_DATABASE_REFUSED', /not trusted/, /sslrootcert=FILE/],
    ['sslmode=verify-full&sslrootcert=system', 'E_DATABASE_REFUSED', /not trusted/, /sslrootcert=FILE/],
    ['sslmode=verify-full&sslrootcert=@absent.pem', 'E_CONFIG', /sslrootcert names cannot be read/, /path/],
    ['sslmode=verify-full&sslrootcert=@junk.pem', 'E_CONFIG', /sslrootcert names holds no certificate/, /PEM/],
    ['sslmode=require&sslcert=@ca.pem&sslkey=@absent.key', 'E_CONFIG', /sslkey names cannot be read/, /path/],
    ['sslmode=verify-ca', 'E_CONFIG', /needs a CA/, /sslrootcert=FILE/],
    ['sslmode=verify_full&sslrootcert=@ca.pem', 'E_CONFIG', /unknown sslmode "verify_full"/, /verify-full/],
  ])('%s', async (query, code, message, hint) => {
    expect(await encrypted(url(query))).toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  test('a certificate for another name', async () => {
    expect(await encrypted(url('sslmode=verify-full&sslrootcert=@ca.pem', { host: '127.0.0.1' }))).toMatchObject({
      code: 'E_DATABASE_REFUSED',
      message: expect.stringContaining('is for another name'),
      hint: expect.stringContaining('sslmode=verify-ca'),
    });
  });

  test('a role that is let in encrypted only, or with a certificate only', async () => {
    expect(await encrypted(url('sslmode=disable', { user: 'encrypted' }))).toMatchObject({
      code: 'E_DATABASE_REFUSED',
      hint: expect.stringContaining('sslmode=require'),
    });
    expect(await encrypted(url('sslmode=require', { user: 'certified' }))).toMatchObject({
      code: 'E_DATABASE_REFUSED',
      hint: expect.stringContaining('sslcert'),
    });
  });

  test('doctor tells a server without TLS in two lines', async () => {
    await using database = await testDatabase();
    const { code, stdout } = await pitcrew(['doctor', '--database', `${database.url}?sslmode=require`]);
    expect(stdout).toMatch(
      /✗ refused: .* does not offer TLS.*\n\s+Use sslmode=prefer or sslmode=disable in the URL\.\n$/,
    );
    expect(code).toBe(3);
  });
});
