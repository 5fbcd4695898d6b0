import type { StatementDescription } from '../../sql/index.ts';
import type { RequestScope } from '../scope.ts';
import type { RepeatedStatement } from './options.ts';
import type { StatementStats } from './statement-stats.ts';

/** Findings kept: the same line and statement in the same kind of request is one. */
const mostFindings = 200;
/** Statements counted per request. */
const mostPerScope = 500;

export interface RepeatedFinding extends RepeatedStatement {
  /** Requests in which it was seen. */
  scopes: number;
  /** Most calls in one of them. */
  most: number;
}

interface Calls {
  description: StatementDescription | undefined;
  calls: number;
  /** Line of the second call; another line at the threshold is no repetition. */
  site: string | undefined;
  finding: Kept | undefined;
}

/** A finding, and how many of its requests were taken before. */
interface Kept extends RepeatedFinding {
  taken: number;
}

export interface ScopeCallsOptions {
  threshold: number;
  statsOf: (description: StatementDescription | undefined) => StatementStats;
  /** Told of each finding once. */
  found: (finding: RepeatedStatement) => void;
}

/** Counts statements per request, and finds those that one line calls again and again (N+1). */
export class ScopeCalls {
  readonly #options: ScopeCallsOptions;
  readonly #perScope = new WeakMap<RequestScope, Map<string, Calls>>();
  readonly #findings = new Map<string, Kept>();

  constructor(options: ScopeCallsOptions) {
    this.#options = options;
  }

  /** Counts one call. `siteOf` looks at the caller's stack, which costs: it is called for two calls per request only. */
  count(
    scope: RequestScope,
    description: StatementDescription | undefined,
    fingerprint: string,
    siteOf: () => string | undefined,
  ): void {
    let calls = this.#perScope.get(scope);
    if (!calls) {
      calls = new Map();
      this.#perScope.set(scope, calls);
      const counted = calls;
      scope.onEnd(() => this.#ended(scope, counted));
    }
    const known = calls.get(fingerprint);
    if (!known) {
      if (calls.size < mostPerScope) {
        calls.set(fingerprint, { description, calls: 1, site: undefined, finding: undefined });
      }
      return;
    }
    known.calls += 1;
    if (known.calls === 2) known.site = siteOf();
    if (known.calls === this.#options.threshold) this.#repeated(scope, known, siteOf());
  }

  get findings(): RepeatedFinding[] {
    return [...this.#findings.values()].map((kept) => withoutTaken(kept));
  }

  /** Findings that were seen in more requests since they were last taken, with the number of these. */
  take(): RepeatedFinding[] {
    const news: RepeatedFinding[] = [];
    for (const kept of this.#findings.values()) {
      const { scopes, taken } = kept;
      if (scopes > taken) news.push({ ...withoutTaken(kept), scopes: scopes - taken });
      kept.taken = scopes;
    }
    return news;
  }

  #repeated(scope: RequestScope, known: Calls, site: string | undefined): void {
    if (site === undefined || (known.site !== undefined && known.site !== site)) return;
    const { fingerprint, text } = this.#options.statsOf(known.description);
    const key = `${scope.name}\n${fingerprint}\n${site}`;
    let finding = this.#findings.get(key);
    if (!finding) {
      if (this.#findings.size >= mostFindings) return;
      finding = {
        scope: scope.name,
        fingerprint,
        text,
        callSite: site,
        calls: known.calls,
        scopes: 0,
        most: 0,
        taken: 0,
      };
      this.#findings.set(key, finding);
      this.#options.found(finding);
    }
    finding.scopes += 1;
    finding.most = Math.max(finding.most, known.calls);
    known.finding = finding;
  }

  #ended(scope: RequestScope, calls: Map<string, Calls>): void {
    for (const { description, calls: count, finding } of calls.values()) {
      this.#options.statsOf(description).usedIn(scope.name, count);
      if (finding && count > finding.most) finding.most = finding.calls = count;
    }
    this.#perScope.delete(scope);
  }
}

function withoutTaken({ scope, fingerprint, text, callSite, calls, scopes, most }: Kept): RepeatedFinding {
  return { scope, fingerprint, text, callSite, calls, scopes, most };
}
