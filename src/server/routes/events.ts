import { createRoute, z } from '@hono/zod-openapi';
import { PitcrewError } from '../../errors.ts';
import type { Advisor } from '../../ops/advisor/index.ts';
import type { BackupService } from '../../ops/backup/index.ts';
import type { DatabaseMonitor, MonitorEvent } from '../../ops/monitor/index.ts';
import { oneDatabaseQuery } from '../api/parameters.ts';
import { type Event, event } from '../api/system.ts';
import { type Api, type AppContext, pickMonitor } from '../context.ts';
import { problemsOf } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

/** Streams that may be open at the same time: each costs a socket and a buffer. */
const maxClients = 100;
/** Bytes that may wait for a client; beyond that it does not keep up and is dropped. It will connect again. */
const maxWaitingBytes = 64 * 1024;
/** Proxies cut streams that are silent for a minute or less. */
const usualHeartbeatMs = 15_000;

const route = createRoute({
  method: 'get',
  path: '/api/v1/events',
  summary: 'What happens, as server-sent events',
  description:
    'First `hello`, then the state of each database, then `connection`, `sample`, `health`, `plan`, `advice`, `advice-run` and ' +
    '`backup-run` as they come. The name of an event is its `type`, its data one JSON document of schema Event. A client that does not keep up is disconnected.',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: {
    200: { description: 'Events', content: { 'text/event-stream': { schema: z.string() } } },
    ...problemsOf(400, 401, 404, 429),
  },
});

/** The event stream. */
export function eventRoutes(app: Api, context: AppContext): void {
  app.openAPIRegistry.register('Event', event);
  let clients = 0;

  app.openapi(route, (c) => {
    const { database } = c.req.valid('query');
    const monitors = database === undefined ? context.monitors : [pickMonitor(context, database)];
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    // The body of a HEAD is thrown away unread: a stream would never be told that nobody listens.
    if (c.req.method === 'HEAD') return c.body('', 200, headers);
    if (clients >= maxClients) {
      throw new PitcrewError('E_RATE_LIMITED', 'too many event streams', {
        detail: `${maxClients} are open.`,
        hint: 'Close pages of the dashboard that are not needed.',
      });
    }
    clients += 1;
    const { closing, heartbeatMs = usualHeartbeatMs } = c.env ?? {};
    const advisors = (context.advisors ?? []).filter(({ name }) => monitors.some((monitor) => monitor.name === name));
    const backups = (context.backups ?? []).filter(({ name }) => monitors.some((monitor) => monitor.name === name));
    const body = eventStream({ version: context.version, monitors, advisors, backups, closing, heartbeatMs }, () => {
      clients -= 1;
    });
    return c.body(body, 200, headers);
  });
}

interface StreamOptions {
  version: string;
  monitors: readonly DatabaseMonitor[];
  advisors: readonly Advisor[];
  backups: readonly BackupService[];
  closing: AbortSignal | undefined;
  heartbeatMs: number;
}

/**
 * Events of some monitors as a byte stream, until the reader leaves, falls behind, or `closing` is aborted.
 * `onEnd` is called once.
 */
function eventStream(
  { version, monitors, advisors, backups, closing, heartbeatMs }: StreamOptions,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let end = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let ended = false;
        const send = (text: string): void => {
          if (ended) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) <= 0) stop();
        };
        const unsubscribe = [
          ...monitors.map((monitor) => monitor.onEvent((each) => send(frame(presentEvent(each))))),
          ...advisors.map((advisor) => advisor.onEvent((each) => send(frame({ ...each, database: advisor.name })))),
          ...backups.map((service) => service.onEvent((each) => send(frame({ ...each, database: service.name })))),
        ];
        const heartbeat = setInterval(() => send(': alive\n\n'), heartbeatMs);
        heartbeat.unref();
        end = () => {
          if (ended) return;
          ended = true;
          clearInterval(heartbeat);
          for (const off of unsubscribe) off();
          closing?.removeEventListener('abort', stop);
          onEnd();
        };
        function stop(): void {
          if (ended) return;
          end();
          controller.close();
        }
        closing?.addEventListener('abort', stop);
        send(`retry: 3000\n${frame({ type: 'hello', version })}`);
        for (const monitor of monitors) send(currentState(monitor).map(frame).join(''));
        if (closing?.aborted) stop();
      },
      cancel() {
        end();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxWaitingBytes }),
  );
}

/** One event on the wire. JSON has no line breaks, so its data is one line. */
function frame(data: Event): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function presentEvent(each: MonitorEvent): Event {
  return 'at' in each ? { ...each, at: each.at.toISOString() } : each;
}

/** What a client that has just come must know. */
function currentState(monitor: DatabaseMonitor): Event[] {
  const { connection, message } = monitor.status();
  const { score, grade, status } = monitor.health();
  return [
    { type: 'connection', database: monitor.name, connection, message },
    { type: 'health', database: monitor.name, score, grade, status },
  ];
}
