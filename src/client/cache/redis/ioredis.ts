import { type Argument, deadAfterMs, type OpenLink, reconnectAfterMs } from './link.ts';

/** What we use of a `Redis` or `Cluster` of the package `ioredis`, in our own words. */
export interface IoRedis {
  readonly isCluster: boolean;
  duplicate(...args: unknown[]): unknown;
  callBuffer(command: string, ...args: unknown[]): unknown;
}

interface OwnIoRedis extends IoRedis {
  readonly status: string;
  connect(): Promise<unknown>;
  disconnect(reconnect?: boolean): void;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  subscribe(...channels: string[]): Promise<unknown>;
}

const settings = {
  lazyConnect: true,
  enableOfflineQueue: false,
  // We subscribe ourselves, to know since when.
  autoResubscribe: false,
  // The namespace is ours; a prefix of the application's would come before keys, and not before channels.
  keyPrefix: '',
};
const connectionSettings = {
  ...settings,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: undefined,
  socketTimeout: deadAfterMs,
  retryStrategy: (attempts: number) => reconnectAfterMs(attempts),
};

/** Opens links like this client of the package `ioredis`, which itself is left alone. It speaks RESP2: messages need their own. */
export function ioRedisLinks(like: IoRedis): OpenLink {
  return (channels, events) => {
    const { isCluster } = like;
    const another = (): OwnIoRedis =>
      (isCluster
        ? like.duplicate([], {
            ...settings,
            autoResubscribe: true,
            scaleReads: 'master',
            clusterRetryStrategy: (attempts: number) => reconnectAfterMs(attempts),
          })
        : like.duplicate(connectionSettings)) as OwnIoRedis;
    const commands = another();
    // A cluster keeps a connection for messages by itself.
    const messages = isCluster ? commands : another();
    let closed = false;
    let hearing = false;

    const up = (): void => {
      if (hearing && commands.status === 'ready') events.up();
    };
    messages.on('message', (channel, text) => {
      if (!closed) events.message(String(channel), String(text));
    });
    messages.on('ready', () => {
      hearing = false;
      messages.subscribe(...channels).then(
        () => {
          hearing = true;
          up();
        },
        (error: unknown) => {
          if (!closed) events.down(error);
        },
      );
    });
    if (commands !== messages) commands.on('ready', up);
    for (const each of new Set([commands, messages])) {
      each.on('error', () => {});
      each.on('close', () => {
        if (!closed) events.down(new Error('the connection has ended'));
      });
      each.connect().catch((error: unknown) => {
        // It goes on trying by itself.
        if (!closed) events.down(error);
      });
    }

    return {
      isOrdered: false,
      isCluster,
      async send(_key, [name, ...args]: Argument[]) {
        return commands.callBuffer(String(name), ...args);
      },
      reconnect() {
        for (const each of new Set([commands, messages])) each.disconnect(true);
      },
      async close() {
        closed = true;
        for (const each of new Set([commands, messages])) each.disconnect();
      },
    };
  };
}
