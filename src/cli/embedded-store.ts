import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import { type EmbeddedServer, startServer } from '../ops/embedded/index.ts';
import type { Logger } from '../server/index.ts';

export interface EmbeddedStore {
  url: string;
  stop(): Promise<void>;
}

const longestPauseMs = 60_000;

/**
 * Starts the embedded PostgreSQL that keeps the history, and starts it again on the same port when it ends on its own
 * (killed for lack of memory, for example). The store reconnects by itself.
 */
export async function startEmbeddedStore(dataDir: string, logger: Logger): Promise<EmbeddedStore> {
  let server: EmbeddedServer = await startServer({ dataDir });
  const stopping = new AbortController();
  const { port } = server;
  const keepRunning = async (): Promise<void> => {
    let pauseMs = 1000;
    while (!stopping.signal.aborted) {
      await server.exited;
      if (stopping.signal.aborted) return;
      logger.warn({ dataDir }, 'the embedded store ended on its own and is started again');
      try {
        await delay(pauseMs, undefined, { signal: stopping.signal });
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
        server = await startServer({ dataDir, port });
        pauseMs = 1000;
      } catch (error) {
        if (!stopping.signal.aborted) logger.error({ reason: messageOf(error) }, 'the embedded store does not start');
      }
    }
  };
  const kept = keepRunning();
  return {
    url: server.url(),
    async stop() {
      stopping.abort();
      await server.stop();
      await kept;
    },
  };
}
