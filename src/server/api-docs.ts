/** The parts of an OpenAPI document that the documentation shows. */
export interface DescribedApi {
  paths: Record<string, Record<string, Operation>>;
}

interface Operation {
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content?: Content };
  responses: Record<string, { description?: string; content?: Content }>;
}

interface Parameter {
  name: string;
  in: string;
  description?: string;
  schema?: Schema;
}

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
}

type Content = Record<string, { schema?: Schema }>;

/** The text of docs/api.md, from the OpenAPI document of the running program. */
export function apiDocumentation(api: DescribedApi): string {
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(`${method.toUpperCase()} ${path}`, operation)),
  );
  return `${introduction}\n${operations.join('\n')}\n`;
}

const introduction = `# HTTP API

Written by \`npm run docs\` from the routes themselves; a test fails when it is out of date. The same as OpenAPI 3.1, with
the schema of every answer: \`GET /api/v1/openapi.json\`.

\`\`\`sh
pitcrew serve --database postgres://localhost/shop      # http://127.0.0.1:7432

curl http://127.0.0.1:7432/api/v1/database/performance/health
curl 'http://127.0.0.1:7432/api/v1/database/queries/analysis?from=6h&sort=meanMs&limit=20'
curl 'http://127.0.0.1:7432/api/v1/database/performance/metrics?names=database.commits,wal.*&from=1d&step=15m'
curl -X POST http://127.0.0.1:7432/api/v1/database/queries/analyze \\
  -H 'content-type: application/json' -d '{"query": "SELECT * FROM orders WHERE customer = $1"}'
curl -N http://127.0.0.1:7432/api/v1/events
\`\`\`

\`\`\`json
{
  "database": "main", "at": "2026-03-01T12:00:00.000Z",
  "status": "warning", "score": 84, "grade": "B", "known": 1,
  "checks": [
    { "id": "connections", "title": "Connections", "status": "warning", "weight": 10, "pointsLost": 4,
      "message": "87 of 100 connections are in use", "evidence": { "used": 87, "max": 100 },
      "advice": "Use a pool, or raise max_connections." }
  ]
}
\`\`\`

## Conventions

- **Which database.** \`?database=NAME\` picks one of the watched ones; the first is the default.
- **Times.** \`from\` and \`to\` take ISO 8601, milliseconds since 1970, or a span before now such as \`1h\`; the default is the
  last hour. \`step\` is the width of a point; by default one of 10 s, 30 s, 1 m, 5 m, 15 m, 1 h, 6 h, 1 d that gives about 200
  points. An answer says which range and step it has: both are widened to whole points.
- **Not known** is \`null\`, never 0.
- **Errors** are problem documents (RFC 9457, \`application/problem+json\`) with a stable \`code\`, a \`detail\` that says what was
  found and what is allowed, and a \`hint\`. Unknown parameters are refused.
- **Without the store**, paths that need history answer 503; the dashboard's path goes on with live data and says so in
  \`notices\`.
- **Changes** (POST, DELETE) are refused when a browser says that another site asks for them.

\`\`\`json
{ "type": "urn:pitcrew:error:E_BAD_REQUEST", "title": "bad parameter", "status": 400, "code": "E_BAD_REQUEST",
  "detail": "limit: found \\"many\\"; a number is allowed", "instance": "/api/v1/database/queries/slow" }
\`\`\`

## Who may ask

On loopback without a token, every program of the machine; names other than \`localhost\`, \`127.0.0.1\` and \`[::1]\` are
refused, so that no web page can reach it by a name of its own. Beyond loopback \`pitcrew serve\` starts only with
\`PITCREW_TOKEN\`. With a token set, everything asks for it as \`Authorization: Bearer TOKEN\`, or as the cookie that
\`POST /api/v1/session\` gives a browser (7 days, \`HttpOnly\`, \`SameSite=Strict\`, not the token itself; a new token ends every
session). Exceptions: \`/healthz\`, which says only that the process lives, signing in and out, and the dashboard's own files,
which are the same for everyone and hold no data. Ten wrong tokens from one address within a minute are refused unseen for
the rest of it; behind a proxy all clients share its address.

## Events

\`GET /api/v1/events\` is a stream of server-sent events: first \`hello\`, then a \`connection\` and a \`health\` event for each
database as it stands, then \`connection\`, \`sample\` (a collector has run), \`health\`, \`advice\` (its state or progress has
changed), \`advice-run\` and \`backup-run\` as they happen, and a comment every 15 seconds. A client that falls 64 KiB behind is disconnected; at most 100 may listen.

\`\`\`
event: health
data: {"type":"health","database":"main","score":84,"grade":"B","status":"warning"}
\`\`\`

## Reports of applications

\`POST /api/v1/database/ingest\` takes what the library tells of an application every ten seconds ([telemetry.md](telemetry.md)):
calls, errors, latencies and callers of statements, its requests and timers, its pools, and, where the application
tells of them, values that statements are called with, which no answer of the API gives again. It answers 202 once the report is in the store, or after two seconds at most when
the store is away and the report waits in memory (\`stored: false\`). A report is known by its \`instance\` and \`sequence\`, so
that it may be sent again until there is an answer. It is counted at the end of the time that it covers; when that lies in the
future or more than 15 minutes ago, at the time of arrival, and \`note\` says so. Of one database there are at most 50
applications and 5,000 statements a day, of one application 300 kinds of requests, 300 timers and 50 caches; what is beyond that is
counted together, as \`other\`.

## Caches

\`\`\`sh
curl 'http://127.0.0.1:7432/api/v1/database/cache/stats?application=shop&cache=catalogue&from=6h'
curl -X POST http://127.0.0.1:7432/api/v1/database/cache/clear
curl -X POST http://127.0.0.1:7432/api/v1/database/cache/invalidate \\
  -H 'content-type: application/json' -d '{"application": "shop", "cache": "catalogue", "tags": ["products"]}'
\`\`\`

Caches live in the processes of applications, which a daemon cannot call. What is asked of them waits in the store, and is in the answer to
the next report of each process that it concerns: those of all daemons on one store. The process does it and sends the
result at once. So \`202\` says that it was asked for; \`GET …/cache/commands/{id}\`, with the \`id\` of that answer, says which
processes have done it and which are still to (\`finished\`, \`waiting\`). A process that has not reported for half a
minute is \`silent\`: nobody waits for it, and it is given the command if it does report within ten minutes. Processes that began
later are not: what they have is younger.

## Advice

\`\`\`sh
curl 'http://127.0.0.1:7432/api/v1/database/advice?state=found,planned&search=shop.orders&limit=50&offset=50'
curl -X POST http://127.0.0.1:7432/api/v1/database/advice/run -H 'content-type: application/json' -d '{"kind": "checks"}'
curl 'http://127.0.0.1:7432/api/v1/database/advice/7/preflight?purpose=apply'
curl -X POST http://127.0.0.1:7432/api/v1/database/advice/7/apply -H 'content-type: application/json' -d '{"reason": "report too slow"}'
curl -X POST http://127.0.0.1:7432/api/v1/database/indexes/optimize -H 'content-type: application/json' -d '{"budgetBytes": 1073741824}'
\`\`\`

Advice comes in pages of 50, the gravest first, or as \`limit\`, \`offset\`, \`sort\` and \`order\` ask; \`count\` says how much fits,
\`facets\` how much would by each property, \`counts\` how much there is in all.

What advice is and how it is applied, measured and taken back is in [advice.md](advice.md). \`202\` says that it is under way; applying, undoing,
dismissing and reopening need the setting \`actions.advice\`.

## Backups

\`\`\`sh
curl 'http://127.0.0.1:7432/api/v1/database/backups'
curl 'http://127.0.0.1:7432/api/v1/database/backups/runs?state=failed&limit=10'
curl -X POST http://127.0.0.1:7432/api/v1/database/backups -H 'content-type: application/json' -d '{"type": "full"}'
curl -X POST http://127.0.0.1:7432/api/v1/database/backups/20261130T014500Z-full/drill
\`\`\`

How the daemon makes them is in [backup-service.md](backup-service.md). \`202\` says that a run is under way; one at a time, and another is refused with 409.
Beginning one needs the setting \`actions.backups\`. Restoring is done by \`pitcrew restore\`, where the new server is to be.

## Prometheus

\`GET /metrics\` has every collected metric of every database under a stable name: \`database.temp_bytes\` is
\`pitcrew_database_temp_bytes_total{target="main"}\`. The label \`target\` is the database's name in the settings. The heaviest
statements (\`monitor.topStatements\`) have counters of their own, \`pitcrew_statement_calls_total{queryid="…"}\` and so on; the
rest is \`queryid="other"\`. These are 10 to 20 seconds behind, and what happens between two scrapes that are more than 15
minutes apart is not counted in them. Applications that report have gauges of their pools,
\`pitcrew_application_pool_open{application="…",endpoint="…",role="…"}\` and so on, and a histogram of the time of their calls,
\`pitcrew_application_call_seconds\`, of all statements together. Likewise \`pitcrew_application_request_seconds\` of their requests
together, \`pitcrew_application_timer_seconds{timer="…"}\` of 20 timers each, and \`pitcrew_application_acquire_seconds\` of waits for a
connection, with counters of timeouts, errors and connections beside it. Caches that applications report have
\`pitcrew_cache_hits_total{application="…",cache="…",tier="…"}\`, misses, loads, evictions, invalidations by \`cause\` and refused fills by
\`reason\`, and gauges of their entries and bytes by tier. Backups that the daemon looks after have \`pitcrew_backup_age_seconds{type="…"}\`,
their size and duration, the lag of the log, what the last drill took, and runs by kind and state. OpenMetrics is given to scrapers that ask for it.

\`\`\`yaml
scrape_configs:
  - job_name: pitcrew
    authorization: { credentials: TOKEN }
    static_configs: [{ targets: ["127.0.0.1:7432"] }]
\`\`\`

## Paths
`;

function section(
  title: string,
  { summary = '', description, parameters = [], requestBody, responses }: Operation,
): string {
  const parts = [
    `### ${title}`,
    `${summary}.${description === undefined ? '' : ` ${description}`}`,
    ...(parameters.length === 0 ? [] : [parameterTable(parameters)]),
    ...(requestBody?.content === undefined ? [] : [`Body: ${contentOf(requestBody.content)}.`]),
    answersOf(responses),
  ];
  return `\n${parts.join('\n\n')}`;
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(({ name, in: place, description = '', schema = {} }) => {
    const fallback = schema.default === undefined ? '' : `\`${String(schema.default)}\``;
    return `| \`${name}\`${place === 'path' ? ' (path)' : ''} | ${valueOf(schema)} | ${fallback} | ${description} |`;
  });
  return `| parameter | value | default | |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
}

function valueOf({ type, enum: values, minimum, maximum }: Schema): string {
  if (values !== undefined) return values.map((value) => `\`${String(value)}\``).join(', ');
  const name = [type ?? 'text'].flat().join(' or ').replace('string', 'text').replace('integer', 'whole number');
  // Whole numbers without a limit of their own carry JavaScript's.
  const limited = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  return limited ? `${name} ${minimum ?? ''}…${maximum}` : name;
}

function answersOf(responses: Operation['responses']): string {
  const [success = '200', ...others] = Object.keys(responses);
  const statuses = others.join(', ');
  const status = success === '200' ? '' : `${success}, `;
  return `Answer: ${status}${contentOf(responses[success]?.content ?? {})}. Problems: ${statuses}.`;
}

function contentOf(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema }]) => {
      const name = schema?.$ref?.split('/').at(-1);
      return name === undefined ? `\`${type}\`` : `\`${name}\` (\`${type}\`)`;
    })
    .join(' or ');
}
