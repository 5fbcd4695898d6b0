import { checkTlsSettings } from './tls-settings.ts';

/** Where a URL leads. */
export interface Address {
  /** As written; a folder when it is a socket, `a,b` when it is a list. */
  host: string;
  port: string;
  database: string;
}

/** Takes a URL apart, with the defaults of clients; `undefined` when it is none. */
export function parseAddress(url: string): Address | undefined {
  const parsed = parse(url);
  if (!parsed) return undefined;
  return {
    host: decoded(parsed.searchParams.get('host') ?? (parsed.hostname || 'localhost')),
    port: parsed.searchParams.get('port') ?? (parsed.port || '5432'),
    database: decoded(parsed.pathname.slice(1) || parsed.username),
  };
}

/** Host, port and database of a URL: what may be shown. */
export function addressOf(url: string): string {
  const address = parseAddress(url);
  return address ? `${address.host}:${address.port}/${address.database}` : 'the database';
}

/**
 * Gives `sslmode` the meaning that psql and every other client of libpq give it. `allow` is taken as `prefer`: both accept
 * either. `sslrootcert=system` stands for the CAs that Node.js trusts, and for checking the name.
 * @throws {PitcrewError} `E_CONFIG` when the mode is unknown or a file cannot be used.
 */
export function libpqUrl(url: string): string {
  return change(url, (parameters) => {
    if (parameters.get('sslrootcert') === 'system') {
      parameters.delete('sslrootcert');
      parameters.set('sslmode', 'verify-full');
    }
    checkTlsSettings(parameters);
    if (!parameters.has('sslmode') || parameters.has('uselibpqcompat')) return;
    parameters.set('uselibpqcompat', 'true');
    if (parameters.get('sslmode') === 'allow') parameters.set('sslmode', 'prefer');
  });
}

/** Whether `sslmode` lets us go on without TLS when the server has none. */
export function mayFallBackToPlain(url: string): boolean {
  return ['prefer', 'allow'].includes(parse(url)?.searchParams.get('sslmode') ?? '');
}

export function withoutTls(url: string): string {
  return change(url, (parameters) => parameters.set('sslmode', 'disable'));
}

/** Changes the query part only: the rest of the URL is left as it was written. */
function change(url: string, edit: (parameters: URLSearchParams) => void): string {
  const [base = '', query = ''] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  edit(parameters);
  return parameters.size === 0 ? base : `${base}?${parameters}`;
}

/** As a web address, whose parts can be read; `undefined` when it is none. */
export function parse(url: string): URL | undefined {
  // Web addresses always have a host, so `///` would make the database the host.
  const http = url.replace(/^postgres(ql)?:(\/\/(?=\/))?/, (_, __, noHost?: string) =>
    noHost ? 'http://localhost' : 'http:',
  );
  return URL.canParse(http) ? new URL(http) : undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
