import pg from 'pg';
import { backendPid, peerOf } from '../driver.ts';
import { sqlStateOf } from '../../sql-state.ts';
import { sqlState } from '../failures.ts';

/** What became of a session, as far as its server tells. */
export type SessionState = 'works' | 'waits for us' | 'gone' | 'not known' | 'server does not answer';

/** Within this time a server that lives answers. */
const answerWithinMs = 2000;

interface Answer {
  asked: number;
  address: string | null;
  port: number | null;
  /** State by process id. */
  sessions: Record<string, string | null> | null;
}

const question = `
SELECT /* pitcrew */ pg_backend_pid()          AS "asked",
       host(inet_server_addr())                AS "address",
       inet_server_port()                      AS "port",
       (SELECT json_object_agg(pid, state)
          FROM pg_stat_activity
         WHERE pid = ANY($1))                  AS "sessions"
`;

/**
 * Asks the server, over a connection of its own, what sessions are doing from which nothing is heard. Behind a pooler nothing
 * can be said of them, and behind a balancer another server may answer: then one that is not found is not known to be gone.
 */
export async function askForSessions(
  config: pg.ClientConfig,
  clients: readonly pg.ClientBase[],
): Promise<(client: pg.ClientBase) => SessionState> {
  const asking = new pg.Client({
    ...config,
    pipeline: false,
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: answerWithinMs,
    application_name: `${config.application_name ?? 'pitcrew'} watchdog`,
  });
  asking.on('error', () => {});
  try {
    await asking.connect();
    const { rows } = await asking.query<Answer>(question, [clients.map((client) => backendPid(client))]);
    const [answer] = rows;
    const pooled = answer?.asked !== backendPid(asking);
    return (client) => (answer && !pooled ? stateOf(client, answer) : 'not known');
  } catch (error) {
    const state = sqlStateOf(error);
    // One that is starting has no sessions any more.
    const silent = state === undefined || state === sqlState.cannotConnectNow;
    return () => (silent ? 'server does not answer' : 'not known');
  } finally {
    void asking.end().catch(() => {});
    setTimeout(() => peerOf(asking)?.destroy(), answerWithinMs).unref();
  }
}

function stateOf(client: pg.ClientBase, { sessions, address, port }: Answer): SessionState {
  const state = sessions?.[String(backendPid(client))];
  if (state === undefined) {
    const peer = peerOf(client);
    const sameServer = address !== null && peer?.remoteAddress === address && peer.remotePort === port;
    return sameServer ? 'gone' : 'not known';
  }
  return state?.startsWith('idle') ? 'waits for us' : 'works';
}
