import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import type { Asked } from './asked.ts';
import { PassingBody } from './body.ts';
import { judge, type Refusal } from './freshness.ts';
import { marksOf } from './marks.ts';
import type { Settings } from './options.ts';
import { cacheTags, store, type StoredResponse } from './stored-response.ts';

/**
 * Asks the handler.
 * @param isBeside nobody waits for the answer: the request itself is answered with what is there
 */
export type Ask = (isBeside: boolean) => Promise<Response>;

/** A response of the handler: one that can be kept, or one that goes to its client as it comes. */
export type Outcome = { readonly stored: StoredResponse } | { readonly passing: Response; readonly isLasting: boolean };

/** One call of the handler, for one request and all who wait for the same. */
export class Filling<Native> {
  /** For the request whose handler it is: there once its response is whole, or not to be waited for. */
  readonly outcome: Promise<Outcome>;
  readonly #settled = Promise.withResolvers<Outcome>();
  readonly #settings: Settings<Native>;
  readonly #asked: Asked<Native>;
  readonly #ask: Ask;
  readonly #isBeside: boolean;
  #hasBegun = false;

  constructor(settings: Settings<Native>, asked: Asked<Native>, ask: Ask, isBeside: boolean) {
    this.#settings = settings;
    this.#asked = asked;
    this.#ask = ask;
    this.#isBeside = isBeside;
    this.outcome = this.#settled.promise;
    // Nobody hears of it where another request's filling is waited for.
    this.outcome.catch(() => {});
  }

  /** Whether it is this one that was chosen to load, and not another one that was under way. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** The cache's loader. `null` for what is not to be kept: then all who wait ask the handler for themselves. */
  async load(): Promise<StoredResponse | null> {
    this.#hasBegun = true;
    try {
      return await this.#load();
    } catch (error) {
      this.#settled.reject(error);
      throw error;
    }
  }

  async #load(): Promise<StoredResponse | null> {
    const { request, native, isPersonal } = this.#asked;
    const response = await this.#ask(this.#isBeside);
    const verdict = orRefused(() => judge(this.#settings, native, isPersonal, response));
    if ('isLasting' in verdict) {
      this.#settled.resolve({ passing: response, isLasting: verdict.isLasting });
      return null;
    }
    const body = response.body ? await this.#read(response) : new Uint8Array();
    if (!body) return null;
    const tags = orRefused(() => [...cacheTags(response.headers), ...(this.#settings.tags?.(native, response) ?? [])]);
    // A response may turn out not to be one that can be kept when all of it is there: by trailers, for one.
    if (marksOf(response).isSpoilt || 'isLasting' in tags) {
      this.#settled.resolve({ passing: rebuilt(response, body), isLasting: true });
      return null;
    }
    const stored = store(response, body, verdict, request.headers, tags);
    this.#settled.resolve({ stored });
    return stored;
  }

  /** The body, unless it is too large or fails; when it takes its time it is passed on meanwhile. */
  async #read(response: Response): Promise<Uint8Array | undefined> {
    const body = new PassingBody(response.body as ReadableStream<Uint8Array>, this.#settings.maxBodyBytes);
    const patience = new AbortController();
    const late = delay(this.#settings.patienceMs, 'late' as const, { signal: patience.signal, ref: false });
    late.catch(() => {});
    const soon = await Promise.race([body.whole, late]);
    patience.abort();
    if (soon !== 'late' && soon !== undefined) return soon;
    const passing = rebuilt(response, body.stream());
    this.#settled.resolve({ passing, isLasting: soon !== 'late' });
    return soon === 'late' ? body.whole : undefined;
  }
}

/** A mistake in what the cache is told by options keeps nobody from their response. */
function orRefused<Result>(work: () => Result): Result | Refusal {
  try {
    return work();
  } catch (error) {
    process.emitWarning(`pitcrew/http does not keep a response, because one of its options threw: ${messageOf(error)}`);
    return { isLasting: false };
  }
}

function rebuilt(response: Response, body: ReadableStream<Uint8Array> | Uint8Array): Response {
  const { status, statusText, headers } = response;
  return new Response(response.body && (body as ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>), {
    status,
    statusText,
    headers,
  });
}
