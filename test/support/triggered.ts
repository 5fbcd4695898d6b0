import { type StreamEvent } from '../../src/client/querycache/stream/index.ts';
import { TriggerStream, type TriggerStreamOptions } from '../../src/client/querycache/triggers/index.ts';
import { eventually } from './replicated.ts';

type Changed = Extract<StreamEvent, { type: 'changed' }>;

/** A trigger stream and what it has told. */
export interface Heard extends AsyncDisposable {
  stream: TriggerStream;
  events: StreamEvent[];
  changes(): Changed[];
  opened(): Extract<StreamEvent, { type: 'open' }>[];
  closed(): string[];
  /** Names of the tables of the last epoch, in order. */
  tables(): string[];
}

/** Starts one that may make triggers and looks often; closed when the scope ends (`await using`). */
export async function heard(url: string, options: Partial<TriggerStreamOptions> = {}): Promise<Heard> {
  const events: StreamEvent[] = [];
  const stream = new TriggerStream({
    connection: () => ({ connectionString: url }),
    createTriggers: true,
    watchEveryMs: 20,
    schemaEveryMs: 20,
    listener: (event) => events.push(event),
    ...options,
  });
  await stream.start();
  const opened = () => events.filter((event) => event.type === 'open');
  return {
    stream,
    events,
    opened,
    changes: () => events.filter((event) => event.type === 'changed'),
    closed: () => events.flatMap((event) => (event.type === 'closed' ? event.why : [])),
    tables: () => [...(opened().at(-1)?.tables.values() ?? [])].map(({ name }) => name).toSorted(),
    [Symbol.asyncDispose]: () => stream.close(),
  };
}

/** Waits until definitions were looked at some times more. */
export async function lookedAt(it: Heard): Promise<void> {
  const looks = (): number => it.events.filter(({ type }) => type === 'snapshot').length;
  const before = looks();
  await eventually(looks).toBeGreaterThan(before + 3);
}
