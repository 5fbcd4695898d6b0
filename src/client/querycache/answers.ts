import type pg from 'pg';
import { parseDuration } from '../../config/span.ts';
import { PitcrewError } from '../../errors.ts';
import { type CacheWish, type Call, isPending, type PendingResult, type RawResult, resultOf } from '../pool/index.ts';
import type { Counts } from './counts.ts';
import type { Flight } from './flights.ts';
import { isFresh, type LoadParts, Loads } from './loads.ts';
import { keyed, type Plan } from './plans.ts';

/** What an answer is made with. */
export interface AnswerParts extends LoadParts {
  /** How long a result may be used where nobody says. */
  readonly ttlMs: number;
  /** Some results are kept without being asked for. */
  readonly isAutomatic: boolean;
  /** Type parsers of the pool. */
  readonly types: pg.CustomTypesConfig | undefined;
}

interface Asked {
  readonly call: Call;
  readonly scope: object | undefined;
  readonly run: (call: Call) => Promise<pg.QueryResult>;
}

type Answer = pg.QueryResult | PendingResult | undefined;

/** Answers statements: from memory at once, or by a load; or not at all, when they are to run as if nothing were kept. */
export class Answers {
  readonly #parts: AnswerParts;
  readonly #loads: Loads;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#loads = new Loads(parts);
  }

  of(asked: Asked): Answer {
    const { standing, plans, isAutomatic } = this.#parts;
    const { cache: wish, text, config } = asked.call;
    if (wish === undefined && !isAutomatic) return undefined;
    if (wish !== undefined && wishMs(wish) === undefined) return refused(wish);
    if (standing.truth === 'nothing') return this.#past('not open', asked.call);
    // Pages of rows keep a portal open, and binary results are no texts.
    if (config?.binary || config?.rows || config?.portal) return this.#past('not cacheable', asked.call);
    const plan = plans.of(text);
    return plan instanceof Promise ? this.#later(plan, asked) : this.#planned(plan, asked);
  }

  #past(why: keyof Counts['bypasses'], { cache: wish }: Call): undefined {
    if (wish !== undefined) this.#parts.counts.bypasses[why] += 1;
    return undefined;
  }

  /** When it is known what is to be done. */
  #later(plan: Promise<Plan>, asked: Asked): PendingResult {
    let left = false;
    let pending: PendingResult | undefined;
    const answered = async (): Promise<pg.QueryResult> => {
      const known = await plan.catch((): Plan => ({ keep: false, reason: 'definitions could not be read' }));
      if (left) throw new Error('nobody waits for it any more');
      const answer = this.#parts.standing.truth === 'nothing' ? undefined : this.#planned(known, asked);
      if (!answer) return asked.run(asked.call);
      if (!isPending(answer)) return answer;
      pending = answer;
      return answer.promise;
    };
    return {
      promise: answered(),
      leave: () => {
        left = true;
        pending?.leave();
      },
    };
  }

  #planned(plan: Plan, { call, scope, run }: Asked): Answer {
    const { standing, memory, counts } = this.#parts;
    if (!plan.keep || plan.verdict === false) return this.#past('not cacheable', call);
    if (call.cache === undefined && plan.verdict === undefined) return undefined;
    const found = keyed(plan, call.values);
    if (typeof found === 'string') return this.#past('parameter', call);
    if (standing.isLate) {
      // Whoever is given what is true now is not given what was before, when changes come in time again.
      standing.seesAllUntilNow();
      return this.#past('not open', call);
    }
    const ttlMs = (call.cache === undefined ? plan.verdict : wishMs(call.cache)) ?? this.#parts.ttlMs;
    const seesFrom = standing.seesFrom(scope);
    const isCurrent = standing.knownUntil >= seesFrom;
    if (!isCurrent) counts.bypasses['not up to date'] += 1;
    const kept = isCurrent ? memory.get(found.key) : undefined;
    if (kept && isFresh(kept, ttlMs)) {
      counts.hit(plan.names);
      return this.#resultOf(kept.raw, call);
    }
    const flight = this.#loads.underWay(found.key, plan, seesFrom, isCurrent);
    if (flight) counts.joined += 1;
    return this.#await(flight ?? this.#loads.begin({ plan, found, call, ttlMs, run, isCurrent }), call);
  }

  #await(flight: Flight, call: Call): PendingResult {
    flight.waiting += 1;
    return {
      promise: flight.promise.then((raw) => this.#resultOf(raw, call)),
      leave: () => {
        flight.waiting -= 1;
        if (flight.waiting === 0) flight.controller.abort();
      },
    };
  }

  #resultOf(raw: RawResult, { config }: Call): pg.QueryResult {
    return resultOf(raw, config?.rowMode, config?.types ?? this.#parts.types);
  }
}

const wishes = new Map<string, number | undefined>();
const mostWishes = 1000;

/** Few are given, again and again. */
function wishMs(wish: CacheWish): number | undefined {
  if (typeof wish !== 'string') return wish === false ? 0 : parseDuration(wish);
  if (wishes.has(wish)) return wishes.get(wish);
  const ms = parseDuration(wish);
  if (wishes.size < mostWishes) wishes.set(wish, ms);
  return ms;
}

function refused(wish: CacheWish): PendingResult {
  const error = new PitcrewError('E_USAGE', 'cache must be a span of time', {
    detail: `Found ${String(wish)}.`,
    hint: 'Give milliseconds, or a text such as "90s", "5m" or "1d"; false for a result that is not kept.',
  });
  return { promise: Promise.reject(error), leave: () => {} };
}
