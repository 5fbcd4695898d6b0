import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type ClientMessage, messageReader } from './client-messages.ts';

export type { ClientMessage } from './client-messages.ts';

/**
 * What happens to a connection at a message of the client's:
 * - `cut before`: the message does not reach the server, and both sides see the connection end;
 * - `cut after`: the server gets it, and both sides see the connection end when the server begins to answer, its answer lost;
 * - `lose answers`: the server gets it, and nothing that it says from then on arrives; the connection stays open;
 * - `swallow`: neither the message nor anything after it arrives anywhere; the connection stays open.
 */
export type Fault = 'cut before' | 'cut after' | 'lose answers' | 'swallow';

/** A network between a client and a server that can fail in the ways networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** The same URL, through the proxy. Faults at messages need to read them: they do not meet what is encrypted. */
  url(url: string): string;
  /** Connections that are open now. */
  readonly open: number;
  /** Connections there have been, cancel requests among them. */
  readonly accepted: number;
  /** Ends all open connections at once with a reset; new ones are served. */
  cut(): void;
  /** From now on nothing passes in either direction, on open and new connections alike, and nobody is told. */
  silence(): void;
  /** What was held back arrives, and all goes on. */
  resume(): void;
  /** New connections are ended at once, like those to a port where a balancer has no server. */
  refuse(yes: boolean): void;
  /** Everything takes that much longer in each direction, in ms. */
  delay(ms: number): void;
  /** The next message of a client that matches meets its fault. Resolves when it has. */
  failAt(matches: (message: ClientMessage) => boolean, fault: Fault): Promise<void>;
}

/** Matches the message that brings this text to the server: a simple query, or the parsing of a prepared statement. */
export function statement(pattern: RegExp): (message: ClientMessage) => boolean {
  return ({ type, body }) => (type === 'Q' || type === 'P') && pattern.test(body.toString('utf8'));
}

/** Matches the message that begins a connection of its own to cancel a statement. */
export function cancelRequest({ type, body }: ClientMessage): boolean {
  return type === 'startup' && body.length >= 4 && body.readInt32BE(0) === 80_877_102;
}

interface Trap {
  matches: (message: ClientMessage) => boolean;
  fault: Fault;
  sprung: () => void;
}

/**
 * A proxy in front of the server of this URL, PostgreSQL or Redis, of which it knows no messages, on a free port of 127.0.0.1; gone when the
 * scope ends (`await using`).
 */
export async function tcpProxy(serverUrl: string): Promise<TcpProxy> {
  const target = new URL(serverUrl);
  const pairs = new Set<Pair>();
  const traps: Trap[] = [];
  const network: Network = { silent: false, delayMs: 0 };
  let accepted = 0;
  let refusing = false;

  const server = createServer((client) => {
    accepted++;
    if (refusing) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const read = target.protocol === 'redis:' ? (raw: Buffer) => [{ type: '', body: raw, raw }] : messageReader();
    const pair = joined(client, upstream, network, read, (message) => {
      const index = traps.findIndex(({ matches }) => matches(message));
      return index < 0 ? undefined : traps.splice(index, 1)[0];
    });
    pairs.add(pair);
    let closed = 0;
    for (const socket of [client, upstream]) {
      socket.once('close', () => {
        closed++;
        if (closed === 2) pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    host: '127.0.0.1',
    port,
    url(url) {
      const through = new URL(url);
      through.hostname = '127.0.0.1';
      through.port = String(port);
      return through.href;
    },
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut() {
      for (const pair of pairs) pair.cut();
    },
    silence() {
      network.silent = true;
      for (const pair of pairs) pair.update();
    },
    resume() {
      network.silent = false;
      for (const pair of pairs) pair.update();
    },
    refuse(yes) {
      refusing = yes;
    },
    delay(ms) {
      network.delayMs = ms;
    },
    failAt(matches, fault) {
      return new Promise((resolve) => traps.push({ matches, fault, sprung: resolve }));
    },
    async [Symbol.asyncDispose]() {
      for (const pair of pairs) pair.cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Network {
  silent: boolean;
  delayMs: number;
}

interface Pair {
  cut(): void;
  /** The network has changed. */
  update(): void;
}

function joined(
  client: Socket,
  upstream: Socket,
  network: Network,
  read: (chunk: Buffer) => ClientMessage[],
  trapFor: (message: ClientMessage) => Trap | undefined,
): Pair {
  /** Stays silent whatever the network does. */
  let swallowed = false;
  let answers: 'pass' | 'lose' | 'cut' = 'pass';

  const cut = () => {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  };
  const update = () => {
    for (const socket of [client, upstream]) {
      if (network.silent || swallowed) socket.pause();
      else socket.resume();
    }
  };

  const onward = { client: inTurn(network), upstream: inTurn(network) };

  client.on('data', (chunk) => {
    for (const message of read(chunk)) {
      const trap = trapFor(message);
      if (trap?.fault === 'cut before') cut();
      if (trap?.fault === 'cut after') answers = 'cut';
      if (trap?.fault === 'lose answers') answers = 'lose';
      if (trap?.fault === 'swallow') swallowed = true;
      trap?.sprung();
      if (client.destroyed) return;
      if (swallowed) {
        update();
        return;
      }
      onward.upstream(() => write(upstream, client, message.raw));
    }
  });
  upstream.on('data', (chunk) => {
    if (answers === 'cut') cut();
    if (answers === 'pass') onward.client(() => write(client, upstream, chunk));
  });

  function write(to: Socket, from: Socket, chunk: Buffer): void {
    if (to.destroyed || to.writableEnded || to.write(chunk)) return;
    from.pause();
    to.once('drain', update);
  }

  for (const [from, to, pass] of [
    [client, upstream, onward.upstream],
    [upstream, client, onward.client],
  ] as const) {
    from.on('end', () => pass(() => to.end()));
    from.on('error', () => to.destroy());
  }
  update();
  return { cut, update };
}

/** Does one thing after the other, each when it has been on its way for as long as the network takes; whatever changes, in their order. */
function inTurn(network: Network): (act: () => void) => void {
  const underWay: { due: number; act: () => void }[] = [];
  const arrive = (): void => {
    for (let first = underWay[0]; first; first = underWay[0]) {
      const left = first.due - performance.now();
      if (left > 0) {
        setTimeout(arrive, left);
        return;
      }
      underWay.shift();
      first.act();
    }
  };
  return (act) => {
    if (network.delayMs === 0 && underWay.length === 0) act();
    else if (underWay.push({ due: performance.now() + network.delayMs, act }) === 1) arrive();
  };
}
