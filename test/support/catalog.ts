import pg from 'pg';
import { type ConnectOptions, connectDatabase, probeProfile } from '../../src/engine/postgres/index.ts';
import type { DatabaseConnection, ServerProfile } from '../../src/engine/postgres/index.ts';
import type { TestDatabase } from './postgres.ts';

export interface Watched extends AsyncDisposable {
  connection: DatabaseConnection;
  profile: ServerProfile;
}

/** Connects as the monitor does; closed when the scope ends (`await using`). */
export async function watched(url: string, options: Partial<ConnectOptions> = {}): Promise<Watched> {
  const connection = await connectDatabase({ url, ...options });
  return { connection, profile: await probeProfile(connection), [Symbol.asyncDispose]: () => connection.close() };
}

/** A session of its own, besides the one that a `TestDatabase` has; ended when the scope ends. */
export async function session(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(url);
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

export interface PlainRole extends AsyncDisposable {
  name: string;
  url: string;
}

/** A role that may log in and nothing else. Dropped when the scope ends. */
export async function plainRole(database: TestDatabase): Promise<PlainRole> {
  const name = `plain_${database.name}`;
  await database.query(`CREATE ROLE ${name} LOGIN PASSWORD 'plain'`);
  const url = new URL(database.url);
  url.username = name;
  url.password = 'plain';
  return {
    name,
    url: url.href,
    async [Symbol.asyncDispose]() {
      await database.query(`DROP OWNED BY ${name}`);
      await database.query(`DROP ROLE ${name}`);
    },
  };
}
