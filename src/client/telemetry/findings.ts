import type { RepeatedStatement } from './options.ts';

/** Findings kept: the same line and statement in the same kind of scope is one. */
const mostFindings = 200;

export interface RepeatedFinding extends RepeatedStatement {
  /** Scopes in which it was seen. */
  scopes: number;
  /** Most calls in one of them. */
  most: number;
}

/** A finding, and what of it was counted since it was last taken. */
interface Kept extends RepeatedFinding {
  recentScopes: number;
  recentMost: number;
}

/** Statements that one line calls again and again in one scope. */
export class Findings {
  readonly #found: (finding: RepeatedStatement) => void;
  /** By scope and statement, then by line. */
  readonly #findings = new Map<string, Map<string, Kept>>();
  #size = 0;

  /** @param found told of each finding once */
  constructor(found: (finding: RepeatedStatement) => void) {
    this.#found = found;
  }

  has(scope: string, fingerprint: string): boolean {
    return this.#findings.has(`${scope}\n${fingerprint}`);
  }

  /** The line, where there is only one for that statement in that kind of scope. */
  onlySite(scope: string, fingerprint: string): string | undefined {
    const bySite = this.#findings.get(`${scope}\n${fingerprint}`);
    return bySite?.size === 1 ? bySite.keys().next().value : undefined;
  }

  /** Counts one scope in which a line called a statement again and again. */
  add(scope: string, { fingerprint, text }: { fingerprint: string; text: string }, site: string, calls: number): void {
    const key = `${scope}\n${fingerprint}`;
    const bySite = this.#findings.get(key) ?? new Map<string, Kept>();
    let finding = bySite.get(site);
    if (!finding) {
      if (this.#size >= mostFindings) return;
      this.#size += 1;
      const told: RepeatedStatement = { scope, fingerprint, text, callSite: site, calls };
      finding = { ...told, scopes: 0, most: 0, recentScopes: 0, recentMost: 0 };
      bySite.set(site, finding);
      this.#findings.set(key, bySite);
      this.#found(told);
    }
    finding.scopes += 1;
    finding.recentScopes += 1;
    finding.calls = calls;
    finding.most = Math.max(finding.most, calls);
    finding.recentMost = Math.max(finding.recentMost, calls);
  }

  all(): RepeatedFinding[] {
    return [...this.#kept()].map((kept) => shown(kept));
  }

  /** Those seen since they were last taken, with what was counted since. */
  take(): RepeatedFinding[] {
    const news: RepeatedFinding[] = [];
    for (const kept of this.#kept()) {
      if (kept.recentScopes === 0) continue;
      news.push({ ...shown(kept), scopes: kept.recentScopes, most: kept.recentMost });
      kept.recentScopes = 0;
      kept.recentMost = 0;
    }
    return news;
  }

  *#kept(): IterableIterator<Kept> {
    for (const bySite of this.#findings.values()) yield* bySite.values();
  }
}

function shown({ scope, fingerprint, text, callSite, calls, scopes, most }: Kept): RepeatedFinding {
  return { scope, fingerprint, text, callSite, calls, scopes, most };
}
