import { chownSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import pg from 'pg';
import { expect, test } from 'vitest';
import { certificateAuthority } from '../../../../test/support/certificates.ts';
import { temporaryFolder } from '../../../../test/support/folder.ts';
import { scratchServer } from '../../../../test/support/postgres.ts';
import { type ClientMessage, tcpProxy } from '../../../../test/support/tcp-proxy.ts';
import { cancelRequest } from './index.ts';

/** Has a statement cancelled, and sees that the next one is not. */
async function cancelled(admin: pg.Client, config: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(config);
  await client.connect();
  const sleeping = expect(client.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
  // A request that is there before the statement stops nothing.
  const sleepers = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
  await expect.poll(async () => (await admin.query(sleepers)).rows).toHaveLength(1);
  await cancelRequest(client, 5000);
  await sleeping;
  await client.query('SELECT pg_sleep(0.02)');
  await client.end();
}

test('over TLS where the client has it, the certificate checked against the name, and over a socket', async () => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(18);
  const file = (name: string) => join(folder.path, name);
  const authority = certificateAuthority('The CA of the tests');
  const { certificate, key } = authority.issue('server', ['localhost']);
  writeFileSync(file('server.pem'), certificate);
  writeFileSync(file('server.key'), key, { mode: 0o600 });
  const { uid, gid } = statSync(server.dataDir);
  chownSync(file('server.key'), uid, gid);
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`ALTER SYSTEM SET ssl_cert_file = '${file('server.pem')}'`);
  await admin.query(`ALTER SYSTEM SET ssl_key_file = '${file('server.key')}'`);
  await admin.query('ALTER SYSTEM SET ssl = on');
  await admin.query('SELECT pg_reload_conf()');
  await expect.poll(async () => (await admin.query('SHOW ssl')).rows).toEqual([{ ssl: 'on' }]);

  const { username: user, password, port, pathname } = new URL(server.url());
  const common = { user, password, database: pathname.slice(1) };
  await using proxy = await tcpProxy(server.url());
  const first: number[] = [];
  // Never springs: it looks at how each connection begins.
  void proxy.failAt(({ type, body }: ClientMessage) => {
    if (type === 'startup') first.push(body.readInt32BE(0));
    return false;
  }, 'swallow');
  const ssl = { ca: authority.certificate };
  await cancelled(admin, { ...common, host: 'localhost', port: proxy.port, ssl });
  const sslRequest = 80_877_103;
  expect(first).toEqual([sslRequest, sslRequest]);
  await cancelled(admin, { ...common, host: 'localhost', port: Number(port), ssl, sslnegotiation: 'direct' });
  // The servers of the tests have no sockets of their own.
  const socket = createServer((from) => {
    // The server may reset a connection that brought a cancel request.
    pipeline(from, connect(Number(port), 'localhost'), from, () => {});
  });
  await new Promise<void>((resolve) => socket.listen(file('.s.PGSQL.5432'), resolve));
  await cancelled(admin, { ...common, host: folder.path, port: 5432 });
  await new Promise((resolve) => socket.close(resolve));
  await admin.end();
});

test('a server that cannot be reached any more is no error, and no wait', async () => {
  await using server = await scratchServer(18);
  const client = new pg.Client(server.url());
  client.on('error', () => {});
  await client.connect();
  await server.stop('immediate');
  await cancelRequest(client, 60_000);
  expect(client.getTransactionStatus()).toBe('I');
});
