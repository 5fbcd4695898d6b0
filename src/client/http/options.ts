import { durationMs, type Duration } from '../cache/options.ts';
import { PitcrewError } from '../../errors.ts';
import { type Encoding, encodingNames } from './encoding.ts';

/** @typeParam Native what the callbacks are given: the `Request`, or that of Express or Fastify */
export interface ResponseCacheOptions<Native = Request> {
  /**
   * How long a response is fresh that does not say so itself, by `Cache-Control` or `Expires`. Without it only those that do are
   * kept. A function may give `undefined` for what is not to be kept.
   */
  ttl?: Duration | ((request: Native, response: Response) => Duration | undefined) | undefined;
  /** How long after that it is served while a new one is made beside; what a response says itself goes before. Not at all by default. */
  staleWhileRevalidate?: Duration | undefined;
  /** How long after that it is served when the handler throws, or answers with 500, 502, 503 or 504. Not at all by default. */
  staleIfError?: Duration | undefined;
  /** All users may be given the same responses, whatever credentials they send; false by default. */
  public?: boolean | undefined;
  /**
   * Who asks: the responses of one are never given to another. `undefined` stands for nobody in particular; with credentials
   * such a request is not cached, without them it shares what is kept for all.
   */
  identity?: ((request: Native) => string | undefined | Promise<string | undefined>) | undefined;
  /** Headers besides `Authorization`, `Proxy-Authorization`, `Cookie` and `X-Api-Key` that make a request a certain user's. */
  credentials?: readonly string[] | undefined;
  /** Parameters of the query that make a difference, all by default: others do not multiply what is kept. */
  query?: readonly string[] | undefined;
  /** Statuses that may be kept: 200, 203, 204, 300, 301, 308, 404, 405, 410, 414 and 501 by default (RFC 9110 §15.1). */
  statuses?: readonly number[] | undefined;
  /** Keep responses that set cookies, without those; they are not kept by default. */
  stripSetCookie?: boolean | undefined;
  /** What a response is made of, besides what its header `Cache-Tag` says. */
  tags?: ((request: Native, response: Response) => readonly string[]) | undefined;
  /** Tags that a request of another method than GET and HEAD invalidates, besides what is kept for its own path and below. */
  invalidates?: ((request: Native, response: Response) => readonly string[]) | undefined;
  /** Requests that have nothing to do with the cache. */
  skip?: ((request: Native) => boolean) | undefined;
  /** The largest body that is kept, in bytes; 1,000,000 by default. Larger ones pass through. */
  maxBodyBytes?: number | undefined;
  /** How long a body may take before what there is of it is passed on; 100 ms by default. */
  patience?: Duration | undefined;
  /** Encodings that responses are given, those preferred first: `['br', 'zstd', 'gzip']` by default; `false` for none. */
  encodings?: readonly Encoding[] | false | undefined;
  /** Smaller bodies are not encoded; 1,024 bytes by default. */
  compressAbove?: number | undefined;
  /** Whether `Cache-Control` of requests counts (`no-cache` of a reload, for one); true by default. */
  obeyRequests?: boolean | undefined;
  /** The first part of keys; `http` by default. */
  name?: string | undefined;
  /** What the scope of a request is called; by default the method and the route, or path, as `requestName` has it. */
  scopeName?: ((request: Native) => string) | undefined;
}

/** The same with all defaults filled in. Times in ms. */
export interface Settings<Native> extends Pick<
  ResponseCacheOptions<Native>,
  'ttl' | 'identity' | 'query' | 'tags' | 'invalidates' | 'skip' | 'scopeName'
> {
  readonly staleWhileMs: number;
  readonly staleIfErrorMs: number;
  readonly isPublic: boolean;
  readonly credentials: readonly string[];
  readonly statuses: ReadonlySet<number>;
  readonly stripSetCookie: boolean;
  readonly maxBodyBytes: number;
  readonly patienceMs: number;
  readonly encodings: readonly Encoding[];
  readonly compressAbove: number;
  readonly obeyRequests: boolean;
}

const cacheableStatuses = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501];
const credentialHeaders = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key'];

/** @throws `E_CONFIG` for what makes no sense */
export function settingsOf<Native>(options: ResponseCacheOptions<Native>): Settings<Native> {
  const { staleWhileRevalidate = 0, staleIfError = 0, patience = 100, ttl } = options;
  const {
    statuses = cacheableStatuses,
    maxBodyBytes = 1_000_000,
    compressAbove = 1024,
    encodings = encodingNames,
  } = options;
  if (typeof ttl === 'number' || typeof ttl === 'string') durationMs('ttl', ttl);
  if (options.public && options.identity) {
    throw new PitcrewError('E_CONFIG', 'public and identity contradict each other', {
      hint: 'Declare public what is the same for all users, and give identity where it is not.',
    });
  }
  const odd = statuses.find((status) => !(status >= 200 && status <= 599) || status === 206 || status === 304);
  if (odd !== undefined) {
    throw new PitcrewError('E_CONFIG', `responses of status ${odd} cannot be kept`, {
      hint: 'Statuses are whole numbers from 200 to 599, but for 206 and 304, which are parts of a response.',
    });
  }
  const unknown = (encodings || []).find((encoding) => !encodingNames.includes(encoding));
  if (unknown !== undefined) {
    throw new PitcrewError('E_CONFIG', `there is no encoding "${String(unknown)}"`, {
      hint: `There are ${encodingNames.join(', ')}.`,
    });
  }
  return {
    ...options,
    staleWhileMs: durationMs('staleWhileRevalidate', staleWhileRevalidate),
    staleIfErrorMs: durationMs('staleIfError', staleIfError),
    isPublic: options.public ?? false,
    credentials: [...credentialHeaders, ...(options.credentials ?? [])],
    statuses: new Set(statuses),
    stripSetCookie: options.stripSetCookie ?? false,
    maxBodyBytes,
    patienceMs: durationMs('patience', patience),
    encodings: encodings === false ? [] : encodings,
    compressAbove,
    obeyRequests: options.obeyRequests ?? true,
  };
}
