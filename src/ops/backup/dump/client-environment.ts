import { PitcrewError } from '../../../errors.ts';

/** Parameters of a URL that libpq takes from the environment too. */
const fromQuery: Record<string, string> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslcrl: 'PGSSLCRL',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  host: 'PGHOST',
  port: 'PGPORT',
};

/** What a program of PostgreSQL's needs of ours: where it finds its own files. */
const kept = ['PATH', 'HOME', 'PGPASSFILE', 'PGSERVICEFILE', 'LD_LIBRARY_PATH', 'TMPDIR'];

/**
 * How a program of PostgreSQL's reaches a database: by its environment, which nobody else can read, and never by its command line, which everybody can.
 * @throws {PitcrewError} `E_CONFIG` for a URL that cannot be used
 */
export function clientEnvironment(url: string, database: string | undefined): Record<string, string> {
  const http = url.replace(/^postgres(ql)?:/, 'http:');
  if (!URL.canParse(http)) throw new PitcrewError('E_CONFIG', 'the database URL cannot be read');
  const { hostname, port, username, password, pathname, searchParams } = new URL(http);
  const environment: Record<string, string> = { LC_ALL: 'C', PGAPPNAME: 'pitcrew backup' };
  for (const name of kept) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  const set = (name: string, value: string): void => {
    if (value !== '') environment[name] = decodeURIComponent(value);
  };
  set('PGHOST', hostname.replace(/^\[(.*)\]$/, '$1'));
  set('PGPORT', port);
  set('PGUSER', username);
  set('PGPASSWORD', password);
  set('PGDATABASE', pathname.slice(1));
  for (const [parameter, name] of Object.entries(fromQuery)) {
    const value = searchParams.get(parameter);
    if (value !== null) environment[name] = value;
  }
  if (database !== undefined) environment['PGDATABASE'] = database;
  return environment;
}
