/** Host, port and database of a URL: what may be shown. */
export function addressOf(url: string): string {
  const parsed = parse(url);
  if (!parsed) return 'the database';
  const host = decodeURIComponent(parsed.searchParams.get('host') ?? (parsed.hostname || 'localhost'));
  const port = parsed.searchParams.get('port') ?? (parsed.port || '5432');
  const database = decodeURIComponent(parsed.pathname.slice(1) || parsed.username);
  return `${host}:${port}/${database}`;
}

/**
 * Gives `sslmode` the meaning that psql and every other client of libpq give it. `allow` is taken as `prefer`: both accept
 * either.
 */
export function libpqUrl(url: string): string {
  return change(url, (parameters) => {
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

function parse(url: string): URL | undefined {
  const http = url.replace(/^postgres(ql)?:/, 'http:');
  return URL.canParse(http) ? new URL(http) : undefined;
}
