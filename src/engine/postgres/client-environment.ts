import { PitcrewError } from '../../errors.ts';
import { parse, parseAddress } from './connection-url.ts';

/** Parameters of a URL that libpq takes from the environment too. */
const fromQuery: Record<string, string> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcrl: 'PGSSLCRL',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
};

/** What a program of PostgreSQL's needs of ours: where it finds its own files. */
const kept = ['PATH', 'HOME', 'PGPASSFILE', 'PGSERVICEFILE', 'LD_LIBRARY_PATH', 'TMPDIR'];

/**
 * How a program of PostgreSQL's reaches a database: by its environment, which nobody else can read, and never by its command line, which everybody can.
 * @throws {PitcrewError} `E_CONFIG` for a URL that cannot be used
 */
export function clientEnvironment(url: string, database: string | undefined): Record<string, string> {
  const [parsed, address] = [parse(url), parseAddress(url)];
  if (!parsed || !address) throw new PitcrewError('E_CONFIG', 'the database URL cannot be read');
  const environment: Record<string, string> = { LC_ALL: 'C', PGAPPNAME: 'pitcrew backup' };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  for (const [name, value] of [
    ['PGHOST', address.host],
    ['PGPORT', address.port],
    ['PGUSER', decodeURIComponent(parsed.username)],
    ['PGPASSWORD', decodeURIComponent(parsed.password)],
    ['PGDATABASE', database ?? address.database],
  ] as const) {
    if (value !== '') environment[name] = value;
  }
  for (const [parameter, name] of Object.entries(fromQuery)) {
    const value = parsed.searchParams.get(parameter);
    if (value !== null) environment[name] = value;
  }
  return environment;
}
