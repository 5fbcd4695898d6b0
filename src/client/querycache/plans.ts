import { LRUCache } from 'lru-cache';
import {
  type Catalog,
  type CurrentCatalog,
  createResolver,
  type DeclaredFunctions,
  type Dependencies,
  type Pin,
  pinnedKey,
  type Resolver,
} from './dependencies/index.ts';
import { type Dependency, keyOf } from './fence/index.ts';
import { queryKey, statementKey } from './key.ts';
import { areMoving } from './parameters.ts';
import type { Policies, Verdict } from './policies.ts';
import type { Sessions } from './session/session-facts.ts';
import type { PublishedTable } from './stream/index.ts';

/** What is to be done with a statement's results. */
export type Plan = KeepingPlan | { readonly keep: false; readonly reason: string };

export interface KeepingPlan {
  readonly keep: true;
  /** The part of the results' keys that the parameters do not change. */
  readonly statement: string;
  /** OIDs of all that is read. */
  readonly tables: readonly number[];
  /** As the tables are called, for people and statistics; views are not among them. */
  readonly names: readonly string[];
  readonly pin: Pin | undefined;
  /** Settings that the results depend on. */
  readonly inputs: readonly string[];
  /** Of a session in which all settings are as usual. */
  readonly session: string;
  readonly verdict: Verdict;
}

/** Of one epoch: which tables' changes are told; all where none are told and only time bounds what is kept. */
export type Told = ReadonlyMap<number, PublishedTable> | 'by time';

const mostPlans = 5000;
const mostCharacters = 4_000_000;

/** Plans by text, until definitions change. */
export class Plans {
  readonly #catalog: CurrentCatalog;
  readonly #sessions: Sessions;
  readonly #policies: Policies;
  readonly #resolver: Resolver;
  readonly #plans = new LRUCache<string, Plan>({
    max: mostPlans,
    maxSize: mostCharacters,
    sizeCalculation: (_, text) => text.length + 1,
  });
  #told: Told = new Map();
  /** Rises when all that was known is void. */
  #generation = 0;

  constructor(catalog: CurrentCatalog, sessions: Sessions, policies: Policies, functions: DeclaredFunctions) {
    this.#catalog = catalog;
    this.#sessions = sessions;
    this.#policies = policies;
    this.#resolver = createResolver(catalog, functions);
  }

  get generation(): number {
    return this.#generation;
  }

  /** Definitions may have changed. */
  reset(told: Told): void {
    this.#told = told;
    this.redefined();
  }

  /** As `reset`, while the changes of the same tables are told. */
  redefined(): void {
    this.#generation += 1;
    this.#plans.clear();
    this.#catalog.invalidate();
    this.#sessions.forget();
  }

  /** Sessions are others than was thought. */
  resetSessions(): void {
    this.#generation += 1;
    this.#plans.clear();
    this.#sessions.forget();
  }

  /** At once where everything is known that it takes. Rejects with what reading throws. */
  of(text: string): Plan | Promise<Plan> {
    return this.#plans.get(text) ?? this.#make(text);
  }

  #make(text: string): Plan | Promise<Plan> {
    const catalog = this.#catalog.known();
    const facts = this.#sessions.known;
    if (!catalog || !facts) return this.#learn(text);
    const found = this.#resolver.resolve(text, facts.session);
    if (!found) return this.#learn(text);
    if (!found.cacheable) return this.#remember(text, { keep: false, reason: found.reason });
    const refusal = this.#refusal(found, catalog);
    if (refusal) return this.#remember(text, { keep: false, reason: refusal });
    const inputs = found.keyInputs.filter((name) => name !== 'role' && name !== 'session_user');
    const session = this.#sessions.hashOf(facts, inputs);
    const make = (hash: string): Plan => {
      const relations = found.tables.map((oid) => catalog.relation(oid)).filter((relation) => relation !== undefined);
      const stored = relations.filter(({ kind }) => kind !== 'v');
      return {
        keep: true,
        statement: statementKey({ text, session: facts.session, inputs: { session: hash } }),
        tables: found.tables,
        names: stored.map(({ schema, name }) => (schema === 'public' ? name : `${schema}.${name}`)),
        pin: found.pin,
        inputs,
        session: hash,
        verdict: this.#policies.verdict(text, stored),
      };
    };
    if (typeof session === 'string') return this.#remember(text, make(session));
    return this.#whenKnown(text, session, make);
  }

  async #whenKnown(text: string, session: Promise<string>, make: (hash: string) => Plan): Promise<Plan> {
    const generation = this.#generation;
    const hash = await session;
    if (generation !== this.#generation) return this.of(text);
    if (hash === '') return { keep: false, reason: 'the session that was asked for its settings had been changed' };
    return this.#remember(text, make(hash));
  }

  async #learn(text: string): Promise<Plan> {
    await Promise.all([this.#catalog.read(), this.#sessions.read()]);
    // While definitions change faster than they can be read, nothing is kept.
    if (!this.#catalog.known() || !this.#sessions.known) return { keep: false, reason: 'definitions are changing' };
    return this.#make(text);
  }

  /** Why changes of what is read would not be learnt. */
  #refusal(
    { tables, materializedViews }: Extract<Dependencies, { cacheable: true }>,
    catalog: Catalog,
  ): string | undefined {
    if (this.#told === 'by time') return undefined;
    const [view] = materializedViews;
    if (view !== undefined) {
      return `${catalog.relation(view)?.name ?? 'it'} is a materialised view, whose refresh is not told`;
    }
    for (const oid of tables) {
      const relation = catalog.relation(oid);
      if (relation?.kind === 'r' && !this.#told.has(oid)) {
        return `changes of ${relation.schema}.${relation.name} are not told: it is not published`;
      }
    }
    return undefined;
  }

  #remember(text: string, plan: Plan): Plan {
    this.#plans.set(text, plan);
    return plan;
  }
}

/** The key of one result, and what it depends on. */
export interface Keyed {
  readonly key: string;
  readonly dependencies: readonly Dependency[];
}

const none: readonly unknown[] = [];

/** @returns why the result cannot be kept, where it cannot */
export function keyed({ statement, tables, pin }: KeepingPlan, values: readonly unknown[] = none): Keyed | string {
  if (areMoving(values)) return 'a parameter like "now" means another time each time';
  const key = queryKey(statement, values);
  if (key === undefined) return 'a parameter cannot be told by its value';
  const pinned = pin && pinnedKey(pin, values);
  const keys = pinned && [keyOf(pinned)];
  return { key, dependencies: tables.map((table) => (keys ? { table, keys } : { table })) };
}
