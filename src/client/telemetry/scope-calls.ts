import type { StatementDescription } from '../../sql/index.ts';
import { heapUsed, type RequestScope } from '../scope.ts';
import { Findings } from './findings.ts';
import { Rate } from '../rate.ts';
import { type ScopeIncrease, ScopeStats } from './scope-stats.ts';
import type { StatementStats } from './statement-stats.ts';

/** Statements counted per scope, and kinds of scope. */
const mostPerScope = 500;
const mostScopeNames = 500;
/** Looks at the stack per second in search of repetitions, and at once when many requests begin together; 12 µs each. */
const looksPerSecond = 300;
const looksAtOnce = 1000;
/** A statement that may repeat in a kind of scope is looked at in so many of them … */
const firstSuspicions = 30;
/** … then, when nothing was found or all is known, in one of so many: there may be another line. */
const suspicionOneOf = 50;
const mostSuspicions = 2000;
/** Where nothing of the application was in the stack: Node begins what is merely awaited, such as queries of Drizzle. */
const unknownLine = 'an unknown line';

/** Calls of one statement in one scope. */
interface Use {
  description: StatementDescription | undefined;
  calls: number;
  /** So many of its next callers may be looked at. */
  looksLeft: number;
  looks: number;
  /** Calls that were looked at, by line. */
  sites: Map<string, number>;
}

/** What one scope did. */
export interface ScopeWork {
  readonly scope: RequestScope;
  readonly uses: Map<string, Use>;
  statements: number;
  statementMs: number;
}

export interface ScopeCallsOptions {
  /** From how many calls on, from one line in one scope, a statement is repeated. */
  threshold: number;
  statsOf: (description: StatementDescription | undefined) => StatementStats;
  findings: Findings;
}

/**
 * Counts statements per scope, and finds those that one line calls again and again (N+1). From half the threshold on the
 * callers are looked at; when all those come from one line, the earlier calls are taken to have, too. A rate bounds what looking
 * costs: a repetition that is not looked at now will be in a later scope of that name.
 */
export class ScopeCalls {
  readonly #options: ScopeCallsOptions;
  readonly #looks = new Rate(looksPerSecond, looksAtOnce);
  readonly #watchFrom: number;
  /** From then on, until the threshold. */
  readonly #looksAtFirst: number;
  readonly #names = new Map<string, ScopeStats>();
  readonly #suspicions = new Map<string, number>();

  constructor(options: ScopeCallsOptions) {
    this.#options = options;
    this.#watchFrom = Math.ceil(options.threshold / 2);
    this.#looksAtFirst = options.threshold - this.#watchFrom + 1;
  }

  /** Counts one call. */
  count(scope: RequestScope, description: StatementDescription | undefined): { work: ScopeWork; use: Use | undefined } {
    const work = (scope.kept(this) as ScopeWork | undefined) ?? this.#begin(scope);
    work.statements += 1;
    const fingerprint = description?.fingerprint ?? '';
    let use = work.uses.get(fingerprint);
    if (!use) {
      if (work.uses.size >= mostPerScope) return { work, use };
      use = { description, calls: 0, looksLeft: 0, looks: 0, sites: new Map() };
      work.uses.set(fingerprint, use);
    }
    use.calls += 1;
    if (use.calls === this.#watchFrom) use.looksLeft = this.#suspects(scope.name, fingerprint) ? this.#looksAtFirst : 0;
    return { work, use };
  }

  /** A call of the statement was looked at, and came from there. */
  saw(use: Use, site: string | undefined): void {
    use.looks += 1;
    if (site !== undefined) use.sites.set(site, (use.sites.get(site) ?? 0) + 1);
    if (use.looksLeft === 0) return;
    use.looksLeft -= 1;
    // Lines that take turns have to be followed further: one of them may still repeat.
    const goOn = use.looksLeft === 0 && use.sites.size > 1 && use.looks < this.#options.threshold * 4;
    if (goOn && this.#looks.take(performance.now())) use.looksLeft = 1;
  }

  stats(): ScopeStats[] {
    return [...this.#names.values()];
  }

  /** What scopes that have ended did since they were last taken. */
  take(): ScopeIncrease[] {
    return this.stats().flatMap((stats) => stats.take() ?? []);
  }

  #begin(scope: RequestScope): ScopeWork {
    const work: ScopeWork = { scope, uses: new Map(), statements: 0, statementMs: 0 };
    scope.keep(this, work);
    scope.onEnd(() => this.#ended(work));
    return work;
  }

  #suspects(name: string, fingerprint: string): boolean {
    const key = `${name}\n${fingerprint}`;
    const before = this.#suspicions.get(key) ?? 0;
    if (this.#suspicions.size >= mostSuspicions) this.#suspicions.clear();
    this.#suspicions.set(key, before + 1);
    const wanted =
      before < firstSuspicions && !this.#options.findings.has(name, fingerprint) ? true : before % suspicionOneOf === 0;
    return wanted && this.#looks.take(performance.now(), this.#looksAtFirst);
  }

  #ended({ scope, uses, statements, statementMs }: ScopeWork): void {
    const { name } = scope;
    for (const use of uses.values()) {
      const stats = this.#options.statsOf(use.description);
      stats.scopes.add(name, use.calls);
      this.#looks.giveBack(use.looksLeft);
      if (use.calls >= this.#options.threshold) this.#judge(name, use, stats);
    }
    const heapGrowth = scope.startedHeap === undefined ? undefined : heapUsed() - scope.startedHeap;
    this.#statsOf(name).record(performance.now() - scope.startedAt, statements, statementMs, heapGrowth);
  }

  #judge(name: string, use: Use, stats: StatementStats): void {
    const { threshold, findings } = this.#options;
    if (use.looks >= threshold / 2) {
      const [single = unknownLine] = use.sites.keys();
      if (use.sites.size < 2) return findings.add(name, stats, single, use.calls);
      for (const [site, calls] of use.sites) if (calls >= threshold) findings.add(name, stats, site, calls);
      return;
    }
    // Not looked at: from the line that is known already, where it is the only one.
    const known = findings.onlySite(name, stats.fingerprint);
    if (known !== undefined) findings.add(name, stats, known, use.calls);
  }

  #statsOf(name: string): ScopeStats {
    const kept = this.#names.has(name) || this.#names.size < mostScopeNames ? name : 'other scopes';
    let stats = this.#names.get(kept);
    if (!stats) this.#names.set(kept, (stats = new ScopeStats(kept)));
    return stats;
  }
}
