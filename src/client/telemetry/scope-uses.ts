/** How often a statement was called in one kind of scope. */
export interface ScopeUse {
  calls: number;
  /** Scopes in which it was called at least once, as far as they have ended. */
  scopes: number;
  /** Most calls in one of them. */
  most: number;
}

interface Use {
  total: ScopeUse;
  /** Since it was last taken. */
  recent: ScopeUse;
}

const none: ScopeUse = { calls: 0, scopes: 0, most: 0 };

/** In which kinds of scope a statement is called; of a bounded number of kinds. */
export class ScopeUses {
  readonly #most: number;
  readonly #uses = new Map<string, Use>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Counts one scope, when it has ended. */
  add(name: string, calls: number): void {
    const use = this.#of(name);
    if (!use) return;
    addUse(use.total, { calls, scopes: 1, most: calls });
    addUse(use.recent, { calls, scopes: 1, most: calls });
  }

  merge(other: ScopeUses): void {
    for (const [name, { total, recent }] of other.#uses) {
      const use = this.#of(name);
      if (!use) continue;
      addUse(use.total, total);
      addUse(use.recent, recent);
    }
  }

  /** What was counted since it was last taken. */
  take(): ({ name: string } & ScopeUse)[] {
    const news: ({ name: string } & ScopeUse)[] = [];
    for (const [name, use] of this.#uses) {
      if (use.recent.scopes === 0) continue;
      news.push({ name, ...use.recent });
      use.recent = { ...none };
    }
    return news;
  }

  totals(): ({ name: string } & ScopeUse)[] {
    return [...this.#uses].map(([name, { total }]) => ({ name, ...total }));
  }

  #of(name: string): Use | undefined {
    let use = this.#uses.get(name);
    if (!use && this.#uses.size < this.#most) {
      use = { total: { ...none }, recent: { ...none } };
      this.#uses.set(name, use);
    }
    return use;
  }
}

function addUse(to: ScopeUse, { calls, scopes, most }: ScopeUse): void {
  to.calls += calls;
  to.scopes += scopes;
  to.most = Math.max(to.most, most);
}
