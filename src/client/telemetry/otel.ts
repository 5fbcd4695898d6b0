import type { Attributes, Context, Histogram, Span, UpDownCounter } from '@opentelemetry/api';
import { PitcrewError } from '../../errors.ts';
import type { AcquireOutcome, StatementOutcome } from '../observer.ts';
import { sqlStateOf } from '../sql-state.ts';

type Api = typeof import('@opentelemetry/api');

/** The instrumentation scope under which everything appears. */
const scopeName = 'pitcrew';

/** Bounds of `db.client.operation.duration` in seconds, as the semantic conventions for database metrics advise. */
const durationBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

/** Sets of attributes kept, so that none is made per statement. */
const mostAttributes = 5000;

/**
 * Metrics and spans by OpenTelemetry's semantic conventions for databases (stable since 1.33): `db.client.operation.duration`,
 * `db.client.connection.*`. Names of spans and attributes of metrics are summaries without values, so there are not many.
 */
export class OtelRecorder {
  readonly #api: Api;
  readonly #duration: Histogram;
  readonly #waitTime: Histogram;
  readonly #createTime: Histogram;
  readonly #count: UpDownCounter;
  readonly #attributes = new Map<string, Attributes>();

  constructor(api: Api) {
    this.#api = api;
    const meter = api.metrics.getMeter(scopeName);
    this.#duration = meter.createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database client operations',
      advice: { explicitBucketBoundaries: durationBounds },
    });
    this.#waitTime = meter.createHistogram('db.client.connection.wait_time', {
      unit: 's',
      description: 'The time it took to obtain an open connection from the pool',
    });
    this.#createTime = meter.createHistogram('db.client.connection.create_time', {
      unit: 's',
      description: 'The time it took to create a new connection',
    });
    this.#count = meter.createUpDownCounter('db.client.connection.count', {
      unit: '{connection}',
      description: 'The number of connections that are currently open',
    });
  }

  /** The context that a statement's span belongs to, in the caller's own. */
  started(): Context {
    return this.#api.context.active();
  }

  ended(context: unknown, outcome: StatementOutcome): void {
    const attributes = this.#attributesOf(outcome);
    this.#duration.record(outcome.durationMs / 1000, attributes);
    const span = this.#span(context as Context, outcome, attributes);
    if (outcome.error) {
      span.recordException(outcome.error);
      span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: outcome.error.message });
    }
    span.end();
  }

  acquired({ endpoint, waitedMs }: AcquireOutcome): void {
    this.#waitTime.record(waitedMs / 1000, { 'db.client.connection.pool.name': endpoint });
  }

  connectionOpened(endpoint: string, tookMs: number, error: Error | undefined): void {
    if (error) return;
    const attributes = { 'db.client.connection.pool.name': endpoint };
    this.#createTime.record(tookMs / 1000, attributes);
    this.#count.add(1, attributes);
  }

  connectionClosed(endpoint: string): void {
    this.#count.add(-1, { 'db.client.connection.pool.name': endpoint });
  }

  #span(context: Context, { description, durationMs, queuedMs }: StatementOutcome, attributes: Attributes): Span {
    const summary = String(attributes['db.query.summary'] ?? 'query');
    return this.#api.trace.getTracer(scopeName).startSpan(
      summary,
      {
        kind: this.#api.SpanKind.CLIENT,
        startTime: Date.now() - durationMs,
        attributes: {
          ...attributes,
          ...(description ? { 'db.query.text': description.normalized } : {}),
          'pitcrew.queued_ms': queuedMs,
        },
      },
      context,
    );
  }

  #attributesOf({ description, endpoint, error }: StatementOutcome): Attributes {
    const state = error && (sqlStateOf(error) ?? '');
    const key = `${description?.fingerprint} ${endpoint} ${error ? state || error.name : ''}`;
    let attributes = this.#attributes.get(key);
    if (!attributes) {
      if (this.#attributes.size >= mostAttributes) this.#attributes.clear();
      attributes = {
        'db.system.name': 'postgresql',
        'db.query.summary': summaryOf(description),
        ...addressOf(endpoint),
        ...(error ? { 'error.type': state || error.name } : {}),
        ...(state ? { 'db.response.status_code': state } : {}),
      };
      this.#attributes.set(key, attributes);
    }
    return attributes;
  }
}

/** `SELECT orders customers`: the operation and its tables, as the conventions want it. */
function summaryOf(description: StatementOutcome['description']): string {
  if (!description) return 'query';
  const tables = [...description.written, ...description.read].map(({ name }) => name);
  return [description.kind.toUpperCase(), ...new Set(tables)].join(' ').slice(0, 255);
}

function addressOf(endpoint: string): Attributes {
  const at = endpoint.lastIndexOf(':');
  return { 'server.address': endpoint.slice(0, at), 'server.port': Number(endpoint.slice(at + 1)) };
}

/** @throws `E_MISSING_PACKAGE` when OpenTelemetry's API is not installed */
export async function startOtel(): Promise<OtelRecorder> {
  try {
    return new OtelRecorder(await import('@opentelemetry/api'));
  } catch (error) {
    throw new PitcrewError('E_MISSING_PACKAGE', 'telemetry option otel needs a package that is not installed', {
      hint: 'npm install @opentelemetry/api',
      cause: error,
    });
  }
}
