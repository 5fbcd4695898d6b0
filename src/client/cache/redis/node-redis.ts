import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Argument, deadAfterMs, type Link, type LinkEvents, type OpenLink, reconnectAfterMs } from './link.ts';

/** What we use of a client, cluster or sentinel of the package `redis`, in our own words: the package need not be there. */
export interface NodeRedis {
  duplicate(overrides?: Record<string, unknown>): NodeRedis;
  connect(): Promise<unknown>;
  destroy(): void | Promise<void>;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  subscribe(channels: string[], listener: (text: string, channel: string) => void): Promise<unknown>;
  sendCommand(...args: unknown[]): Promise<unknown>;
  readonly options?: { socket?: Record<string, unknown> } | undefined;
}

/** `RESP_TYPES.BLOB_STRING` as buffers; and no time limit of its own: it costs more than a GET, and there is ours. */
const commandOptions = { typeMapping: { 36: Buffer }, timeout: 0 };
/** Commands that wait for their answer; more are refused. */
const mostCommands = 20_000;

interface Opened {
  send(...args: unknown[]): Promise<unknown>;
  destroy(): Promise<void>;
}

type Kind = 'client' | 'cluster' | 'sentinel';

function kindOf(client: NodeRedis): Kind {
  if ('masters' in client && 'slots' in client) return 'cluster';
  return 'acquire' in client ? 'sentinel' : 'client';
}

/** Opens links like this client of the package `redis`, which itself is left alone. */
export function nodeRedisLinks(client: NodeRedis): OpenLink {
  const kind = kindOf(client);
  return (channels, events) => {
    const open = (attempt: LinkEvents) =>
      kind === 'client' ? openClient(client, channels, attempt) : openMany(client, kind, channels, attempt);
    return reopening(kind, open, events);
  };
}

/** One connection for commands and messages alike, which RESP3 allows. */
function openClient(like: NodeRedis, channels: readonly string[], events: LinkEvents): Opened {
  const client = like.duplicate({
    RESP: 3,
    socket: {
      ...like.options?.socket,
      socketTimeout: deadAfterMs,
      reconnectStrategy: (attempts: number) => reconnectAfterMs(attempts),
    },
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostCommands,
    commandOptions,
    clientSideCache: undefined,
    emitInvalidate: false,
    pingInterval: undefined,
  });
  let subscribed = false;
  client.on('error', (error) => events.down(error));
  client.on('ready', () => {
    // From the second connection on the client subscribes before it is ready.
    if (subscribed) events.up();
    else {
      client
        .subscribe([...channels], (text, channel) => events.message(channel, text))
        .then(
          () => {
            subscribed = true;
            events.up();
          },
          (error: unknown) => events.down(error),
        );
    }
  });
  // It goes on trying by itself, and tells by `error`.
  client.connect().catch(() => {});
  return { send: (command) => client.sendCommand(command), destroy: () => destroyed(client) };
}

/** Several connections that the library opens, replaces and subscribes with by itself, once it is connected. */
function openMany(like: NodeRedis, kind: Kind, channels: readonly string[], events: LinkEvents): Opened {
  let client: NodeRedis | undefined;
  const closing = new AbortController();
  const closed = once(closing.signal, 'abort').then(() => Promise.reject(new Error('closed')));
  closed.catch(() => {});
  const connect = async (): Promise<void> => {
    for (let attempts = 0; !closing.signal.aborted; attempts += 1) {
      client = like.duplicate({
        RESP: 3,
        commandOptions,
        clientSideCache: undefined,
        // Replicas may not know of an invalidation yet.
        ...(kind === 'cluster' ? { useReplicas: false } : { replicaPoolSize: 0 }),
      });
      const failed = new Promise<never>((_, reject) => {
        // A cluster goes on with its other nodes. After a sentinel's word was wrong it is to be asked anew.
        client?.on('error', (error) => kind === 'sentinel' && reject(error));
      });
      failed.catch(() => {});
      try {
        await Promise.race([client.connect(), failed]);
        await client.subscribe([...channels], (text, channel) => events.message(channel, text));
        // Another node may stand in for one that was lost: what it knows is to be asked.
        for (const event of ['node-ready', 'ready', 'topology-change']) client.on(event, () => events.up());
        events.up();
        attempts = 0;
        await Promise.race([failed, closed]);
      } catch (error) {
        const broken = client;
        client = undefined;
        events.down(error);
        await destroyed(broken);
        await sleep(reconnectAfterMs(attempts), undefined, { ref: false });
      }
    }
  };
  void connect();
  return {
    send: (...args) => client?.sendCommand(...args) ?? Promise.reject(new Error('not connected yet')),
    async destroy() {
      closing.abort();
      if (client) await destroyed(client);
    },
  };
}

async function destroyed(client: NodeRedis): Promise<void> {
  try {
    await client.destroy();
  } catch {
    // It was not open any more.
  }
}

function reopening(kind: Kind, open: (events: LinkEvents) => Opened, events: LinkEvents): Link {
  let stopHearing = (): void => {};
  let opened = open(guarded());
  /** Hears one connection only as long as it is ours. */
  function guarded(): LinkEvents {
    let mine = true;
    stopHearing = () => {
      mine = false;
    };
    return {
      up() {
        if (mine) events.up();
      },
      down(cause) {
        if (mine) events.down(cause);
      },
      message(channel, text) {
        if (mine) events.message(channel, text);
      },
    };
  }
  return {
    isOrdered: kind === 'client',
    isCluster: kind === 'cluster',
    send(key, command: Argument[]) {
      if (kind === 'client') return opened.send(command);
      return kind === 'cluster' ? opened.send(key, false, command) : opened.send(false, command);
    },
    reconnect() {
      stopHearing();
      void opened.destroy();
      opened = open(guarded());
    },
    async close() {
      stopHearing();
      await opened.destroy();
    },
  };
}
