import type { Context, Counter, Histogram, ObservableResult, Tracer } from '@opentelemetry/api';
import type { AcquireOutcome, EndpointRole, StatementOutcome } from '../../observer.ts';
import type { OtelOptions } from '../options.ts';
import { isPoolTimeout, type PoolEndpoint } from '../pool-counters.ts';
import { AttributeSets } from './attributes.ts';

type Api = typeof import('@opentelemetry/api');

/** The instrumentation scope under which everything appears. */
const scopeName = 'pitcrew';

/** Bounds of `db.client.operation.duration` in seconds, as the conventions for database metrics advise. */
const durationBounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];

const poolName = 'db.client.connection.pool.name';
const connectionState = 'db.client.connection.state';

/**
 * Metrics and spans by OpenTelemetry's semantic conventions for PostgreSQL clients: `db.client.operation.duration` and spans, which are
 * stable, and `db.client.connection.*`, in development, with an endpoint of the pool as `pool.name`. No values of parameters, no messages
 * of errors, which may quote some.
 */
export class OtelRecorder {
  readonly #api: Api;
  readonly #tracer: Tracer | undefined;
  readonly #attributes: AttributeSets;
  readonly #duration: Histogram;
  readonly #waitTime: Histogram;
  readonly #createTime: Histogram;
  readonly #useTime: Histogram;
  readonly #timeouts: Counter;

  constructor(api: Api, { spans, database }: OtelOptions, endpoints: () => readonly PoolEndpoint[]) {
    this.#api = api;
    this.#attributes = new AttributeSets(database);
    this.#tracer = spans === false ? undefined : api.trace.getTracer(scopeName);
    const meter = api.metrics.getMeter(scopeName);
    this.#duration = meter.createHistogram('db.client.operation.duration', {
      unit: 's',
      description: 'Duration of database client operations.',
      advice: { explicitBucketBoundaries: durationBounds },
    });
    this.#waitTime = meter.createHistogram('db.client.connection.wait_time', {
      unit: 's',
      description: 'The time it took to obtain an open connection from the pool.',
      advice: { explicitBucketBoundaries: durationBounds },
    });
    this.#createTime = meter.createHistogram('db.client.connection.create_time', {
      unit: 's',
      description: 'The time it took to create a new connection.',
      advice: { explicitBucketBoundaries: durationBounds },
    });
    this.#useTime = meter.createHistogram('db.client.connection.use_time', {
      unit: 's',
      description: 'The time between borrowing a connection and returning it to the pool.',
      advice: { explicitBucketBoundaries: durationBounds },
    });
    this.#timeouts = meter.createCounter('db.client.connection.timeouts', {
      unit: '{timeout}',
      description: 'The number of connection timeouts that have occurred trying to obtain a connection from the pool.',
    });
    const observed = (name: string, unit: string, description: string, observe: Observe): void =>
      meter.createObservableUpDownCounter(name, { unit, description }).addCallback((result) => {
        for (const endpoint of endpoints()) observe(result, endpoint, { [poolName]: nameOf(endpoint) });
      });
    observed(
      'db.client.connection.count',
      '{connection}',
      'The number of connections that are currently in state described by the state attribute.',
      (result, { open, idle, lanes }, pool) => {
        result.observe(idle, { ...pool, [connectionState]: 'idle' });
        // Those that many share are used, too.
        result.observe(open - idle + lanes, { ...pool, [connectionState]: 'used' });
      },
    );
    observed(
      'db.client.connection.max',
      '{connection}',
      'The maximum number of open connections allowed.',
      (result, { max }, pool) => result.observe(max, pool),
    );
    observed(
      'db.client.connection.pending_requests',
      '{request}',
      'The number of current pending requests for an open connection.',
      (result, { waiting }, pool) => result.observe(waiting, pool),
    );
  }

  /** The context that a statement's span belongs to, in the caller's own. */
  started(): Context | undefined {
    return this.#tracer && this.#api.context.active();
  }

  ended(context: unknown, outcome: StatementOutcome): void {
    const { durationMs, description, error } = outcome;
    const { spanName, attributes } = this.#attributes.of(outcome);
    this.#duration.record(durationMs / 1000, attributes, context as Context | undefined);
    if (!this.#tracer || !context) return;
    const endTime = Date.now();
    const span = this.#tracer.startSpan(
      spanName,
      {
        kind: this.#api.SpanKind.CLIENT,
        startTime: endTime - durationMs,
        attributes: description?.normalized ? { ...attributes, 'db.query.text': description.normalized } : attributes,
      },
      context as Context,
    );
    if (error) span.setStatus({ code: this.#api.SpanStatusCode.ERROR });
    span.end(endTime);
  }

  acquired({ endpoint, role, waitedMs, error }: AcquireOutcome): void {
    const pool = { [poolName]: nameOf({ endpoint, role }) };
    if (!error) this.#waitTime.record(waitedMs / 1000, pool);
    else if (isPoolTimeout(error)) this.#timeouts.add(1, pool);
  }

  released(endpoint: string, role: EndpointRole, heldMs: number): void {
    this.#useTime.record(heldMs / 1000, { [poolName]: nameOf({ endpoint, role }) });
  }

  connectionOpened(endpoint: string, tookMs: number, error: Error | undefined): void {
    if (!error) this.#createTime.record(tookMs / 1000, { [poolName]: endpoint });
  }
}

type Observe = (result: ObservableResult, endpoint: PoolEndpoint, pool: Record<string, string>) => void;

/** A server can have connections of two kinds: those kept for analytics say so. */
function nameOf({ endpoint, role }: Pick<PoolEndpoint, 'endpoint' | 'role'>): string {
  return role === 'analytics' ? `${endpoint}/analytics` : endpoint;
}

/** Loads OpenTelemetry's API. Fails where it is not installed. */
export async function startOtel(options: OtelOptions, endpoints: () => readonly PoolEndpoint[]): Promise<OtelRecorder> {
  return new OtelRecorder(await import('@opentelemetry/api'), options, endpoints);
}
