import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../../../errors.ts';
import { isSafe } from '../asked.ts';
import type { ResponseCacheCore } from '../core.ts';
import { CapturedResponse } from './captured-response.ts';
import { deliver } from './deliver.ts';

/** A request of Node's, and what a framework knows of it. */
export interface Exchange<Native> {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly native: Native;
  readonly protocol: string;
  readonly host: string | undefined;
  /** Path and query, as the client sent them. */
  readonly target: string;
  /** Goes on to the handler, or to those who handle errors. */
  go(error?: Error): void;
}

/** Responses that a cache is at work on: inside another one it would wait for itself. */
const underWay = new WeakSet<ServerResponse>();

/** Answers a request from the cache, or lets the handler answer it. */
export async function serve<Native>(core: ResponseCacheCore<Native>, exchange: Exchange<Native>): Promise<void> {
  const { response, native, go } = exchange;
  const request = underWay.has(response) ? undefined : requestOf(exchange);
  if (!request) {
    go();
    return;
  }
  underWay.add(response);
  const before = { ...response.getHeaders() };
  let hasAsked = false;
  try {
    const asked = await core.asked(request, native);
    if (!asked) {
      hasAsked = true;
      bypass(core, request, exchange);
      return;
    }
    let captured: CapturedResponse | undefined;
    let isBesides = false;
    const closed = new Promise<void>((resolve) =>
      response.once('close', () => {
        // What is asked beside begins when the connection has done with the response.
        if (!isBesides) captured?.lost();
        resolve();
      }),
    );
    const ask = async (isBeside: boolean): Promise<Response> => {
      isBesides = isBeside;
      if (isBeside) {
        await closed;
        response.statusCode = 200;
        response.statusMessage = '';
      }
      delete exchange.request.headers['if-none-match'];
      delete exchange.request.headers['if-modified-since'];
      captured = new CapturedResponse(exchange.request, response, before);
      if (!isBeside && response.destroyed) captured.lost();
      hasAsked = true;
      go();
      return captured.response;
    };
    const answer = await core.answer(asked, ask);
    await deliver(answer, response, isBesides ? undefined : captured);
  } catch (error) {
    if (!hasAsked) go(error instanceof Error ? error : new Error(messageOf(error)));
    else response.destroy();
  }
}

/** The handler writes to its client itself; where it may change something, its response ends when what is kept of that is void. */
function bypass<Native>(core: ResponseCacheCore<Native>, request: Request, exchange: Exchange<Native>): void {
  const { response, native, go } = exchange;
  if (isSafe(request.method)) {
    response.setHeader('cache-status', 'pitcrew; fwd=bypass');
    go();
    return;
  }
  response.setHeader('cache-status', 'pitcrew; fwd=method');
  const before = Object.getOwnPropertyDescriptor(response, 'end');
  const isTrue = { get: () => true, configurable: true };
  let hasEnded = false;
  const end = (...given: Parameters<ServerResponse['end']>): ServerResponse => {
    hasEnded = true;
    Object.defineProperties(response, {
      end: { value: () => response, configurable: true, writable: true },
      headersSent: isTrue,
      writableEnded: isTrue,
    });
    void voidChanged(core, request, native, response).finally(() => {
      for (const name of ['end', 'headersSent', 'writableEnded']) Reflect.deleteProperty(response, name);
      if (before) Object.defineProperty(response, 'end', before);
      response.end(...given);
    });
    return response;
  };
  // What is broken off may have changed something too.
  response.once('close', () => {
    if (!hasEnded) void voidChanged(core, request, native, response);
  });
  Object.defineProperty(response, 'end', { value: end, configurable: true, writable: true });
  go();
}

async function voidChanged<Native>(
  core: ResponseCacheCore<Native>,
  request: Request,
  native: Native,
  response: ServerResponse,
): Promise<void> {
  const { statusCode: status } = response;
  const isUsual = status >= 200 && status <= 599;
  await core.changed(
    request,
    native,
    new Response(null, { status: isUsual ? status : 200, headers: headersOf(response.getHeaders()) }),
  );
}

/**
 * Undefined for what is no request that a cache could know of, such as methods like CONNECT. A URL takes other ways of writing a path
 * or a host for the same, which a handler may not: what it makes of `/x/../orders` is not what is at `/orders`.
 */
function requestOf<Native>({ request, protocol, host = '', target }: Exchange<Native>): Request | undefined {
  const method = request.method ?? 'GET';
  try {
    const url = new URL(`${protocol}://${host || 'localhost'}${target}`);
    const isAsSent = url.pathname + url.search === target && isSameHost(url, host);
    // What changes something changes it however it is written.
    if (isSafe(method) && !isAsSent) return undefined;
    return new Request(url, { method, headers: headersOf(request.headers) });
  } catch {
    return undefined;
  }
}

/** `shop:80` is `shop`, where that is what the scheme means anyway. */
function isSameHost(url: URL, host: string): boolean {
  const sent = host.toLowerCase();
  return sent === url.host || sent === `${url.host}${url.protocol === 'https:' ? ':443' : ':80'}`;
}

function headersOf(from: NodeJS.Dict<number | string | readonly string[]>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(from)) {
    // Pseudo-headers of HTTP/2.
    if (value === undefined || name.startsWith(':')) continue;
    for (const each of typeof value === 'object' ? value : [value]) headers.append(name, String(each));
  }
  return headers;
}
