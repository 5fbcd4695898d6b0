import pg from 'pg';
import { expect, test } from 'vitest';
import { plainRole } from '../../../test/support/catalog.ts';
import { testDatabase } from '../../../test/support/postgres.ts';
import { connectionError } from './connection-errors.ts';
import { connectDatabase } from './connect.ts';
import { noConnectionLeft } from './no-connection-left.ts';

/** What the driver throws for an answer of a server; `routine` is the place in the server's source. */
function refusal(sqlState: string, message: string, routine?: string): unknown {
  const thrown = Object.assign(new pg.DatabaseError(message, message.length, 'error'), { code: sqlState, routine });
  return connectionError(thrown, 'db:5432/shop', 'connect');
}

test.each([
  ['sorry, too many clients already', 'InitProcess'],
  ['tut mir leid, schon zu viele Verbindungen', 'InitProcess'],
  ['les emplacements de connexion restants sont réservés', 'InitPostgres'],
  ['zu viele Verbindungen für Datenbank »shop«', 'CheckMyDatabase'],
  ['残りの接続スロットは予約済みです', undefined],
])('no connection is left, in whatever language: %s', (message, routine) => {
  expect(noConnectionLeft(refusal('53300', message, routine))).toBe(true);
});

test('other refusals are no lack of connections, whatever they say', () => {
  expect(noConnectionLeft(refusal('28P01', 'too many connections, said the password'))).toBe(false);
  expect(noConnectionLeft(refusal('08P01', 'no more connections allowed (max_client_conn)'))).toBe(true);
  expect(noConnectionLeft(refusal('08P01', 'server login failed'))).toBe(false);
  expect(noConnectionLeft(new Error('too many clients'))).toBe(false);
  const ofReplication = refusal('53300', 'exceeds "max_wal_senders" (currently 0)', 'InitProcess');
  expect(ofReplication).toMatchObject({ hint: expect.stringContaining('raise max_wal_senders') });
  expect(noConnectionLeft(ofReplication)).toBe(false);
});

test('the limit of our role or of the database is told apart from that of the server', async () => {
  await using database = await testDatabase();
  await using role = await plainRole(database);
  const refused = () =>
    connectDatabase({ url: role.url }).then(
      () => undefined,
      (error: Error) => error,
    );
  await database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT 0`);
  const byRole = await refused();
  expect(byRole).toMatchObject({ sqlState: '53300', hint: expect.stringContaining('ALTER ROLE') });
  expect(noConnectionLeft(byRole)).toBe(false);
  await database.query(`ALTER ROLE ${role.name} CONNECTION LIMIT -1`);
  await database.query(`ALTER DATABASE ${database.name} CONNECTION LIMIT 0`);
  const byDatabase = await refused();
  expect(byDatabase).toMatchObject({ sqlState: '53300', hint: expect.stringContaining('ALTER DATABASE') });
  expect(noConnectionLeft(byDatabase)).toBe(true);
});
