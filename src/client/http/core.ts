import { LRUCache } from 'lru-cache';
import { messageOf } from '../../errors.ts';
import type { Cache } from '../cache/index.ts';
import { currentScope, runInScope } from '../scope.ts';
import { requestName } from '../scope-middleware.ts';
import { Answers, withStatus } from './answers.ts';
import { type Asked, askedOf, isSafe } from './asked.ts';
import { type Ask, Filling, type Outcome } from './filling.ts';
import { pathPattern, routePattern, variantKey } from './key.ts';
import { type ResponseCacheOptions, type Settings, settingsOf } from './options.ts';
import { isFor, keptMs, type StoredResponse } from './stored-response.ts';

/** How often responses to one request may vary with other headers than those before, until it is left to the handler. */
const mostVariants = 4;
/** Requests whose responses are not kept do not wait for each other, for so long after one was seen, and so many of them. */
const unkeptMs = 5000;
const mostUnkept = 1000;
/** RFC 5861 §4. */
const failures = new Set([500, 502, 503, 504]);

/** The cache behind all the adapters. */
export class ResponseCacheCore<Native> {
  readonly settings: Settings<Native>;
  readonly #cache: Cache;
  readonly #answers: Answers<Native>;
  readonly #unkept = new LRUCache<string, true>({ max: mostUnkept, ttl: unkeptMs });
  readonly #canRenewBeside: boolean;

  /** @param canRenewBeside whether the handler can be asked after the request that it is asked for has been answered */
  constructor(cache: Cache, options: ResponseCacheOptions<Native>, canRenewBeside = true) {
    this.#canRenewBeside = canRenewBeside;
    this.settings = settingsOf(options);
    this.#cache = cache.namespace(options.name ?? 'http');
    this.#answers = new Answers(this.#cache, this.settings);
  }

  /** What a request asks the cache for; `undefined` when it is the handler's alone. */
  asked(request: Request, native: Native): Promise<Asked<Native> | undefined> {
    return askedOf(this.settings, request, native);
  }

  /** Answers a request, by what is kept or by the handler. */
  async answer(asked: Asked<Native>, ask: Ask): Promise<Response> {
    const { headers, method } = asked.request;
    const { demands } = asked;
    let { key } = asked;
    let miss = 'uri-miss';
    for (let tried = 0; tried < mostVariants; tried += 1) {
      if (this.#unkept.has(key)) {
        if (demands.onlyIfCached) return this.#answers.notKept();
        return this.#answers.passing(await ask(false), asked, `fwd=${miss}`);
      }
      const onlyLook = method === 'HEAD' || demands.onlyIfCached || demands.fresh;
      const filling = new Filling(this.settings, asked, ask, false);
      const stored = onlyLook ? await this.#cache.get<StoredResponse>(key) : await this.#remember(key, filling);
      if (filling.hasBegun) return this.#own(await filling.outcome, key, asked, `fwd=${miss}`, false);
      if (!stored) {
        if (demands.onlyIfCached) return this.#answers.notKept();
        if (demands.fresh && method === 'GET') return this.#renew(key, undefined, asked, ask, 'fwd=request');
        return this.#answers.passing(await ask(false), asked, `fwd=${miss}`);
      }
      if (isFor(stored, headers)) return this.#use(stored, key, asked, ask);
      // Its Vary tells where the one for this request is (RFC 9111 §4.1).
      key = variantKey(asked.key, Object.keys(stored.vary), headers) + (tried === 0 ? '' : `:${tried}`);
      miss = 'vary-miss';
    }
    return this.#answers.passing(await ask(false), asked, 'fwd=vary-miss');
  }

  /** A request that is not answered from the cache: those that change something void what is kept for their path. */
  async bypass(request: Request, native: Native, ask: () => Promise<Response>): Promise<Response> {
    if (isSafe(request.method)) return withStatus(await ask(), 'fwd=bypass');
    let response: Response;
    try {
      response = await ask();
    } catch (error) {
      await this.changed(request, native, undefined);
      throw error;
    }
    await this.changed(request, native, response);
    return withStatus(response, 'fwd=method');
  }

  /** Something was changed, as far as its response tells: what was refused has changed nothing. */
  async changed(request: Request, native: Native, response: Response | undefined): Promise<void> {
    if (response && response.status >= 400 && response.status < 500) return;
    const url = new URL(request.url);
    const places = ['location', 'content-location'].flatMap((name) => {
      const place = response?.headers.get(name);
      const at = place && URL.canParse(place, url.href) ? new URL(place, url) : undefined;
      return at?.origin === url.origin ? [at.pathname] : [];
    });
    await this.#cache.invalidatePattern(...[url.pathname, ...places].map(pathPattern));
    if (response) await this.#invalidateTagsOf(native, response);
  }

  async invalidateRoute(pattern: string, params?: Readonly<Record<string, string | number>>): Promise<void> {
    const keys = routePattern(pattern, params);
    await (keys === '*' ? this.#cache.clear() : this.#cache.invalidatePattern(keys));
  }

  invalidateTags(...tags: readonly string[]): Promise<void> {
    return this.#cache.invalidateTags(...tags);
  }

  clear(): Promise<void> {
    return this.#cache.clear();
  }

  /** Runs in the scope of the request, or in one for it where it has none yet. */
  inScope<Result>(request: Request, native: Native, work: () => Result): Result {
    if (currentScope()?.ended === false) return work();
    return runInScope(() => this.settings.scopeName?.(native) ?? requestName(request), work);
  }

  async #invalidateTagsOf(native: Native, response: Response): Promise<void> {
    try {
      await this.#cache.invalidateTags(...(this.settings.invalidates?.(native, response) ?? []));
    } catch (error) {
      process.emitWarning(`pitcrew/http voids all it keeps, because its option invalidates threw: ${messageOf(error)}`);
      await this.clear();
    }
  }

  async #use(stored: StoredResponse, key: string, asked: Asked<Native>, ask: Ask): Promise<Response> {
    const { demands, request } = asked;
    const now = Date.now();
    const isYoungEnough = !demands.fresh && now - stored.madeAt <= demands.maxAgeMs;
    const status = `hit; ttl=${Math.floor((stored.freshUntil - now) / 1000)}`;
    if (isYoungEnough && stored.freshUntil > now) return this.#answers.of(stored, key, asked, status);
    if (demands.onlyIfCached) return this.#answers.notKept();
    if (isYoungEnough && stored.staleWhileUntil > now && this.#canRenewBeside) {
      if (request.method === 'GET') this.#renewBeside(key, asked, ask);
      return this.#answers.of(stored, key, asked, status);
    }
    const why = isYoungEnough ? 'fwd=stale' : 'fwd=request';
    return this.#renew(key, stored, asked, ask, why);
  }

  /** Asks the handler anew, whatever is kept; what is kept answers when the handler fails, as far as it may. */
  async #renew(
    key: string,
    stored: StoredResponse | undefined,
    asked: Asked<Native>,
    ask: Ask,
    why: string,
  ): Promise<Response> {
    let outcome: Outcome;
    try {
      if (asked.request.method === 'HEAD') {
        outcome = { passing: await ask(false), isLasting: false };
      } else {
        const filling = new Filling(this.settings, asked, ask, false);
        const renewed = await this.#refresh(key, filling);
        if (filling.hasBegun) outcome = await filling.outcome;
        else if (renewed && renewed.freshUntil > Date.now() && isFor(renewed, asked.request.headers))
          outcome = { stored: renewed };
        else outcome = { passing: await ask(false), isLasting: false };
      }
    } catch (error) {
      if (!isFallback(stored, asked)) throw error;
      return this.#answers.of(stored, key, asked, 'hit; detail=stale-if-error');
    }
    if ('passing' in outcome && failures.has(outcome.passing.status) && isFallback(stored, asked)) {
      void outcome.passing.body?.cancel().catch(() => {});
      return this.#answers.of(stored, key, asked, `hit; fwd-status=${outcome.passing.status}; detail=stale-if-error`);
    }
    return this.#own(outcome, key, asked, why, stored !== undefined);
  }

  #renewBeside(key: string, asked: Asked<Native>, ask: Ask): void {
    const filling = new Filling(this.settings, asked, ask, true);
    const renewed = this.inScope(asked.request, asked.native, async () => {
      await this.#refresh(key, filling);
      if (!filling.hasBegun) return;
      const outcome = await filling.outcome;
      await this.#note(outcome, key, true);
      if ('passing' in outcome) await outcome.passing.body?.cancel();
    });
    // The handler tells of its failures as it does of others; what is kept stays until its time is over.
    renewed.catch(() => {});
  }

  /** The answer to the request whose handler has been asked. */
  async #own(outcome: Outcome, key: string, asked: Asked<Native>, why: string, replaces: boolean): Promise<Response> {
    await this.#note(outcome, key, replaces);
    if ('stored' in outcome) return this.#answers.of(outcome.stored, key, asked, `${why}; stored`);
    return this.#answers.passing(outcome.passing, asked, why);
  }

  /** What is not to be kept takes the place of what was, unless it is a failure. */
  async #note(outcome: Outcome, key: string, replaces: boolean): Promise<void> {
    if ('stored' in outcome) return;
    if (outcome.isLasting) this.#unkept.set(key, true);
    if (replaces && outcome.isLasting && outcome.passing.status < 500) await this.#cache.delete(key);
  }

  /** What is kept, or made for another request at this time; nothing when this one's filling was chosen, and its outcome is there. */
  #remember(key: string, filling: Filling<Native>): Promise<StoredResponse | undefined> {
    return first(filling, () => this.#cache.remember(key, keptMs, () => filling.load(), recall));
  }

  #refresh(key: string, filling: Filling<Native>): Promise<StoredResponse | undefined> {
    return first(filling, () => this.#cache.refresh(key, keptMs, () => filling.load(), recall));
  }
}

const recall = {
  negativeTtl: 0,
  jitter: 0,
  grace: 0,
  tags: (stored: StoredResponse | null): readonly string[] => stored?.tags ?? [],
} as const;

/** A response is passed on before it is whole; and whatever becomes of the cache, the handler's answer counts. */
async function first<Native>(
  filling: Filling<Native>,
  recalled: () => Promise<StoredResponse | null>,
): Promise<StoredResponse | undefined> {
  const kept = recalled().then(
    (stored) => stored ?? undefined,
    () => undefined,
  );
  const passed = filling.outcome.then(
    () => undefined,
    () => undefined,
  );
  return Promise.race([kept, passed]);
}

function isFallback<Native>(stored: StoredResponse | undefined, { demands }: Asked<Native>): stored is StoredResponse {
  return stored !== undefined && !demands.fresh && stored.staleIfErrorUntil > Date.now();
}
