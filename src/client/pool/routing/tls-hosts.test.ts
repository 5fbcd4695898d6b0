import { chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { certificateAuthority } from '../../../../test/support/certificates.ts';
import { temporaryFolder } from '../../../../test/support/folder.ts';
import { scratchServer } from '../../../../test/support/postgres.ts';
import { Pool } from '../index.ts';

test('servers found by a DNS name have its certificate checked, and are shown the key of the client', async () => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(18);
  const authority = certificateAuthority('The CA of the tests');
  const file = (name: string, text: string): string => {
    const path = join(folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    const { uid, gid } = statSync(server.dataDir);
    chownSync(path, uid, gid);
    return path;
  };
  const own = authority.issue('server', ['localhost']);
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`ALTER SYSTEM SET ssl_cert_file = '${file('server.pem', own.certificate)}'`);
  await admin.query(`ALTER SYSTEM SET ssl_key_file = '${file('server.key', own.key)}'`);
  await admin.query(`ALTER SYSTEM SET ssl_ca_file = '${file('ca.pem', authority.certificate)}'`);
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  await expect.poll(async () => (await admin.query('SHOW ssl')).rows).toEqual([{ ssl: 'on' }]);
  await admin.end();

  const { username: user, password, port, pathname } = new URL(server.url());
  const client = authority.issue(user);
  await using pool = new Pool({
    user,
    password,
    database: pathname.slice(1),
    hosts: { dns: 'localhost', port: Number(port) },
    ssl: { ca: authority.certificate, cert: client.certificate, key: client.key },
    failoverTimeoutMillis: 1000,
  });
  const { rows } = await pool.query('SELECT ssl, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  expect(rows).toEqual([{ ssl: true, client_dn: `/CN=${user}` }]);
});
