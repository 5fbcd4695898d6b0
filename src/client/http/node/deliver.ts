import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { wholeBody } from '../answers.ts';
import type { CapturedResponse } from './captured-response.ts';

/**
 * Writes a response to a client.
 * @param captured what the handler writes instead, where it was asked
 */
export async function deliver(
  response: Response,
  to: ServerResponse,
  captured: CapturedResponse | undefined,
): Promise<void> {
  if (to.destroyed) {
    await response.body?.cancel();
    return;
  }
  const through = <Result>(work: () => Result): Result => (captured ? captured.through(work) : work());
  captured?.releaseHeaders();
  if (captured) {
    const { outer } = captured;
    for (const name of to.getHeaderNames()) if (!outer.has(name)) to.removeHeader(name);
  }
  writeHeaders(response, to);
  const whole = wholeBody(response);
  if (whole || !response.body) through(() => to.end(whole));
  else await pump(response.body, to, through, captured);
  if (captured?.hasEnded) captured.release();
}

function writeHeaders({ status, statusText, headers }: Response, to: ServerResponse): void {
  to.statusCode = status;
  if (statusText !== '' && to.req.httpVersionMajor < 2) to.statusMessage = statusText;
  for (const [name, value] of headers) if (name !== 'set-cookie') to.setHeader(name, value);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) to.setHeader('set-cookie', cookies);
}

async function pump(
  body: ReadableStream<Uint8Array>,
  to: ServerResponse,
  through: <Result>(work: () => Result) => Result,
  captured: CapturedResponse | undefined,
): Promise<void> {
  const reader = body.getReader();
  const gone = new AbortController();
  const closed = (): void => {
    gone.abort();
    void reader.cancel().catch(() => {});
  };
  to.once('close', closed);
  try {
    // Who streams may have nothing to say for a while.
    through(() => to.flushHeaders());
    for (;;) {
      const { done, value } = await reader.read();
      if (done || gone.signal.aborted) break;
      if (!through(() => to.write(value))) await once(to, 'drain', { signal: gone.signal }).catch(() => {});
    }
    if (gone.signal.aborted) return;
    const trailers = captured?.trailers;
    through(() => {
      if (trailers) to.addTrailers(trailers as Record<string, string>);
      to.end();
    });
  } catch (error) {
    // The client must not take it for whole.
    to.destroy(error instanceof Error ? error : undefined);
  } finally {
    to.off('close', closed);
  }
}
