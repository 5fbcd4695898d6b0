import { type IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { bodyless } from '../stored-response.ts';
import { mark } from '../marks.ts';

/** Parts of a `ServerResponse` by which its headers are made, and those by which its body is. */
const headerParts = [
  'setHeader',
  'setHeaders',
  'appendHeader',
  'getHeader',
  'getHeaders',
  'getHeaderNames',
  'getRawHeaderNames',
  'hasHeader',
  'removeHeader',
  'flushHeaders',
  'writeHead',
  'headersSent',
] as const;
/** Not `finished`: by that Node itself goes when it sends. */
const bodyParts = ['write', 'end', 'addTrailers', 'writableEnded', 'writableNeedDrain'] as const;

type Done = (error?: Error | null) => void;
type Chunk = string | Uint8Array;

/**
 * Takes what a handler writes to a `ServerResponse`, and makes a `Response` of it. What goes to the client is written by `deliver`,
 * through whatever other middleware has put in the way of the response before.
 */
export class CapturedResponse {
  /** There as soon as the handler has said its status and headers. Rejects when the connection is lost before. */
  readonly response: Promise<Response>;
  readonly #settled = Promise.withResolvers<Response>();
  readonly #real: ServerResponse;
  readonly #headersBefore = new Map<string, PropertyDescriptor | undefined>();
  readonly #bodyBefore = new Map<string, PropertyDescriptor | undefined>();
  /** Holds headers as the real one does, and is attached to nothing. */
  readonly #scratch: ServerResponse;
  readonly #method: string;
  readonly #before: OutgoingHttpHeaders;
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  #made: Response | undefined;
  #hasEnded = false;
  #isCancelled = false;
  #needsDrain = false;
  #trailers: OutgoingHttpHeaders | readonly [string, string][] | undefined;

  /** @param before the headers of the real one when the request came to the cache */
  constructor(request: IncomingMessage, real: ServerResponse, before: OutgoingHttpHeaders) {
    this.#real = real;
    this.#before = before;
    this.#method = request.method ?? 'GET';
    this.#scratch = new ServerResponse(request);
    for (const [name, value] of Object.entries(before)) {
      if (value !== undefined) this.#scratch.setHeader(name, value);
    }
    this.response = this.#settled.promise;
    this.response.catch(() => {});
    this.#capture();
  }

  /** The handler is done with it. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Headers that are as they were before the handler was asked. */
  get outer(): Set<string> {
    const isSame = (name: string): boolean => String(this.#scratch.getHeader(name)) === String(this.#before[name]);
    return new Set(Object.keys(this.#before).filter(isSame));
  }

  /** Trailers of the handler, to be sent after the body. */
  get trailers(): OutgoingHttpHeaders | readonly [string, string][] | undefined {
    return this.#trailers;
  }

  /** The connection was lost, or the handler has broken it off: what there is will not become whole. */
  lost(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const error = new Error('the connection was closed before the response was whole');
    this.#settled.reject(error);
    if (!this.#isCancelled) this.#body?.error(error);
  }

  /** Headers go to the client from now on; what the handler writes does not. */
  releaseHeaders(): void {
    restore(this.#real, this.#headersBefore);
  }

  /** Everything is as it was. */
  release(): void {
    this.releaseHeaders();
    restore(this.#real, this.#bodyBefore);
  }

  /** Calls a part of the real response that is captured. */
  through<Result>(work: () => Result): Result {
    const captured = descriptors(this.#real, bodyParts);
    restore(this.#real, this.#bodyBefore);
    try {
      return work();
    } finally {
      restore(this.#real, captured);
    }
  }

  #capture(): void {
    const scratch = this.#scratch;
    const headers: PropertyDescriptorMap = {
      flushHeaders: { value: () => this.#begin() },
      writeHead: { value: (...given: unknown[]) => this.#writeHead(given) },
      headersSent: { get: () => this.#made !== undefined },
    };
    for (const name of headerParts) {
      this.#headersBefore.set(name, Object.getOwnPropertyDescriptor(this.#real, name));
      if (name in headers) continue;
      const part = scratch[name as 'getHeader'];
      headers[name] = { value: (...given: [string]) => this.#returned(part.apply(scratch, given)) };
    }
    const body: PropertyDescriptorMap = {
      write: { value: (chunk: Chunk, ...rest: unknown[]) => this.#write(chunk, rest) },
      end: { value: (...given: unknown[]) => this.#end(given) },
      addTrailers: { value: (trailers: OutgoingHttpHeaders) => void (this.#trailers = trailers) },
      writableEnded: { get: () => this.#hasEnded },
      writableNeedDrain: { get: () => this.#needsDrain },
    };
    for (const name of bodyParts) this.#bodyBefore.set(name, Object.getOwnPropertyDescriptor(this.#real, name));
    for (const part of [...Object.values(headers), ...Object.values(body)]) {
      part.configurable = true;
      if ('value' in part) part.writable = true;
    }
    Object.defineProperties(this.#real, { ...headers, ...body });
  }

  /** Calls in a chain go on with the real response. */
  #returned(result: unknown): unknown {
    return result === this.#scratch ? this.#real : result;
  }

  #writeHead(given: unknown[]): ServerResponse {
    const [status, ...rest] = given;
    if (this.#made) return this.#real;
    this.#real.statusCode = Number(status);
    if (typeof rest[0] === 'string') this.#real.statusMessage = rest.shift() as string;
    for (const [name, value] of headerPairs(rest[0])) this.#scratch.setHeader(name, value);
    this.#make();
    return this.#real;
  }

  /** As Node does where nobody has called `writeHead`: some middleware adds headers just then. */
  #begin(): void {
    if (!this.#made) this.#real.writeHead(this.#real.statusCode);
  }

  /** Status and headers are final. */
  #make(): void {
    const { statusCode: status, statusMessage } = this.#real;
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.#scratch.getHeaders())) {
      if (value === undefined) continue;
      for (const each of Array.isArray(value) ? value : [value]) headers.append(name, String(each));
    }
    const isEmpty = this.#method === 'HEAD' || bodyless.has(status);
    const body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => void (this.#body = controller),
        pull: () => this.#drain(),
        cancel: () => {
          this.#isCancelled = true;
          this.#drain();
        },
      },
      { highWaterMark: this.#real.writableHighWaterMark, size: (chunk) => chunk.byteLength },
    );
    try {
      this.#made = new Response(isEmpty ? null : body, { status, headers, statusText: statusMessage ?? '' });
    } catch (error) {
      this.#settled.reject(error);
      throw error;
    }
    mark(this.#made, { outer: this.outer });
    this.#settled.resolve(this.#made);
  }

  #write(chunk: Chunk, rest: unknown[]): boolean {
    const encoding = typeof rest[0] === 'string' ? (rest[0] as BufferEncoding) : undefined;
    const done = rest.find((each) => typeof each === 'function') as Done | undefined;
    this.#begin();
    if (!this.#isCancelled && !this.#hasEnded) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Uint8Array.from(chunk);
      if (bytes.length > 0) this.#body?.enqueue(bytes);
    }
    if (done) process.nextTick(done);
    this.#needsDrain = !this.#isCancelled && (this.#body?.desiredSize ?? 1) <= 0;
    return !this.#needsDrain;
  }

  #end(given: unknown[]): ServerResponse {
    if (this.#hasEnded) return this.#real;
    const [chunk, ...rest] = typeof given[0] === 'function' ? [undefined, ...given] : given;
    const done = rest.find((each) => typeof each === 'function') as Done | undefined;
    if (done) this.#real.once('finish', done);
    const isWhole = this.#made === undefined;
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      // As Node does for what is written at once.
      if (isWhole && !this.#scratch.hasHeader('content-length') && !this.#scratch.hasHeader('transfer-encoding')) {
        this.#scratch.setHeader('content-length', lengthOf(chunk, rest[0]));
      }
      this.#write(chunk, rest.slice(0, typeof rest[0] === 'string' ? 1 : 0));
    }
    this.#begin();
    if (this.#trailers && this.#made) mark(this.#made, { isSpoilt: true });
    this.#hasEnded = true;
    if (!this.#isCancelled) this.#body?.close();
    return this.#real;
  }

  #drain(): void {
    if (!this.#needsDrain) return;
    this.#needsDrain = false;
    this.#real.emit('drain');
  }
}

function lengthOf(chunk: Chunk, encoding: unknown): number {
  if (typeof chunk !== 'string') return chunk.length;
  return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
}

function headerPairs(headers: unknown): [string, string | string[]][] {
  if (!headers) return [];
  if (!Array.isArray(headers)) return Object.entries(headers).filter(([, value]) => value !== undefined);
  if (Array.isArray(headers[0])) return headers as [string, string][];
  const pairs = new Map<string, string[]>();
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = String(headers[at]);
    pairs.set(name, [...(pairs.get(name) ?? []), String(headers[at + 1])]);
  }
  return [...pairs].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]);
}

function descriptors(of: object, names: readonly string[]): Map<string, PropertyDescriptor | undefined> {
  return new Map(names.map((name) => [name, Object.getOwnPropertyDescriptor(of, name)]));
}

/** Properties of an object's own as they were; those that it had not go, and what it inherits shows again. */
function restore(of: object, before: ReadonlyMap<string, PropertyDescriptor | undefined>): void {
  for (const [name, property] of before) {
    if (property) Object.defineProperty(of, name, property);
    else Reflect.deleteProperty(of, name);
  }
}
