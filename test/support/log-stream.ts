import { streamLog, type LogStream, type StreamEvent, type StreamOptions } from '../../src/ops/backup/index.ts';

/** A stream that runs in a test. */
export interface RunningStream extends AsyncDisposable {
  stream: LogStream;
  events: StreamEvent[];
  /** The first event of a type, from now on or from an earlier one, that is as said. */
  saw<Type extends StreamEvent['type']>(
    type: Type,
    matches?: (event: Extract<StreamEvent, { type: Type }>) => boolean,
  ): Promise<Extract<StreamEvent, { type: Type }>>;
  /** Forgets what was seen. */
  forget(): void;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** Starts a stream; it is stopped when the scope ends (`await using`). */
export function running(options: Omit<StreamOptions, 'signal' | 'onEvent'>): RunningStream {
  const stop = new AbortController();
  const events: StreamEvent[] = [];
  let seen: StreamEvent[] = [];
  const watchers = new Set<() => void>();
  const stream = streamLog({
    ...options,
    signal: stop.signal,
    onEvent(event) {
      events.push(event);
      seen.push(event);
      for (const watcher of watchers) watcher();
    },
  });
  const end = async (): Promise<void> => {
    stop.abort();
    await stream.ended;
  };
  return {
    stream,
    events,
    saw(type, matches = () => true) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const found = seen.find(
            (event): event is Extract<StreamEvent, { type: typeof type }> =>
              event.type === type && matches(event as Extract<StreamEvent, { type: typeof type }>),
          );
          if (!found) return;
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        stream.ended.catch(reject);
        look();
      });
    },
    forget() {
      seen = [];
    },
    stop: end,
    [Symbol.asyncDispose]: () => end().catch(() => {}),
  };
}
