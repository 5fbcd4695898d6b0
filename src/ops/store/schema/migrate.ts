import type { ClientBase } from 'pg';
import { PitcrewError } from '../../../errors.ts';
import { sqlStateOf, unavailable } from '../failures.ts';
import { inTransaction } from '../transaction.ts';
import { eighth } from './eighth.ts';
import { fifth } from './fifth.ts';
import { first } from './first.ts';
import { fourth } from './fourth.ts';
import { second } from './second.ts';
import { seventh } from './seventh.ts';
import { sixth } from './sixth.ts';
import { third } from './third.ts';

export interface Migration {
  number: number;
  name: string;
  sql: () => string;
}

/** In order; a number is never used twice. */
const migrations: readonly Migration[] = [first, second, third, fourth, fifth, sixth, seventh, eighth];

/** First key of Pitcrew's advisory locks on the store ("pitc"); claims use it with the target's number. */
export const lockClass = 0x70_69_74_63;
const schemaLock = 0;

/**
 * Brings the schema to the version that this Pitcrew knows, each migration in a transaction of its own, one daemon at a
 * time.
 * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when the schema is newer, the server too old or a right is missing.
 */
export async function migrate(client: ClientBase, known: readonly Migration[] = migrations): Promise<void> {
  await requireVersion(client);
  const newest = known.at(-1)?.number ?? 0;
  if ((await currentVersion(client)) === newest) return;
  try {
    for (const migration of known) await apply(client, migration, newest);
  } catch (error) {
    if (sqlStateOf(error) === '42501') throw await missingRight(client, error);
    throw error;
  }
}

async function apply(client: ClientBase, { number, name, sql }: Migration, newest: number): Promise<void> {
  await inTransaction(client, async () => {
    await client.query('SELECT pg_advisory_xact_lock($1, $2)', [lockClass, schemaLock]);
    const current = await currentVersion(client);
    if (current > newest) throw newerSchema(current, newest);
    if (current >= number) return;
    if (current === 0) await prepare(client);
    await client.query(sql());
    await client.query('INSERT INTO pitcrew.migration (number, name) VALUES ($1, $2)', [number, name]);
  });
}

/** The schema may have been made by an administrator for us, without the right to make others. */
async function prepare(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>("SELECT to_regnamespace('pitcrew') IS NOT NULL AS found");
  if (!rows[0]?.found) await client.query('CREATE SCHEMA pitcrew');
  await client.query(`
    CREATE TABLE IF NOT EXISTS pitcrew.migration (
      number     integer PRIMARY KEY,
      name       text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now()
    )`);
}

async function currentVersion(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ found: boolean }>(`
    SELECT EXISTS (
      SELECT FROM pg_catalog.pg_tables WHERE schemaname = 'pitcrew' AND tablename = 'migration'
    ) AS found`);
  if (!rows[0]?.found) return 0;
  const { rows: versions } = await client.query<{ number: number }>(
    'SELECT coalesce(max(number), 0) AS number FROM pitcrew.migration',
  );
  return versions[0]?.number ?? 0;
}

function newerSchema(current: number, newest: number): PitcrewError {
  return unavailable('the store was made by a newer Pitcrew', {
    detail: `its schema has version ${current}; this Pitcrew knows ${newest}`,
    hint: 'Upgrade this Pitcrew, or give it a store of its own.',
  });
}

async function requireVersion(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(`
    SELECT current_setting('server_version_num')::integer AS number,
           current_setting('server_version')              AS version`);
  const server = rows[0];
  if (server && server.number < 150_000) {
    throw unavailable('the store needs PostgreSQL 15 or newer', {
      detail: `the server is ${server.version}`,
      hint: 'Name a newer server with --store, or leave the setting out for the embedded one.',
    });
  }
}

async function missingRight(client: ClientBase, cause: unknown): Promise<PitcrewError> {
  const { rows } = await client.query<{ role: string; database: string; found: boolean }>(`
    SELECT quote_ident(current_user)                AS role,
           quote_ident(current_database())          AS database,
           to_regnamespace('pitcrew') IS NOT NULL   AS found`);
  const { role = '', database = '', found = false } = rows[0] ?? {};
  const object = found ? 'USAGE, CREATE ON SCHEMA pitcrew' : `CREATE ON DATABASE ${database}`;
  return unavailable('the store role may not make its tables', {
    detail: `role ${role} in database ${database}`,
    hint: `GRANT ${object} TO ${role};`,
    sqlState: '42501',
    cause,
  });
}
