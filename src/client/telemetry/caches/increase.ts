import type { CacheFigures, ReportedCache, TierFigures } from './reported-cache.ts';

/** What a cache has counted since it was last taken, and how it stands. */
export interface CacheIncrease extends CacheFigures {
  readonly name: string;
  readonly kind: ReportedCache['kind'];
  /** Names of warmers that can be run. */
  readonly warmers: readonly string[];
}

const most = { tiers: 8, labels: 20, groups: 100, label: 50, group: 100, reason: 300 };
/** Groups whose figures are remembered: lists may change from one time to the next. */
const mostRemembered = 1000;

const tierCounters = ['hits', 'lookups', 'misses', 'lookupMs', 'evictions', 'unreadable', 'refused'] as const;
const counters = ['misses', 'staleHits', 'loads', 'loadErrors', 'loadMs'] as const;
const records = ['invalidations', 'refused', 'bypasses'] as const;

/** Turns what a cache has counted since it was made into what it has counted since it was last asked. */
export class Increases {
  readonly #before = new Map<string, number>();
  #groups = 0;

  take(figures: CacheFigures): CacheFigures {
    const plain = Object.fromEntries(counters.map((name) => [name, this.#grown(name, figures[name])]));
    const [invalidations = {}, refused = {}, bypasses] = records.map((name) => this.#record(name, figures[name] ?? {}));
    return {
      ...(plain as Pick<CacheFigures, (typeof counters)[number]>),
      tiers: distinct(figures.tiers, most.tiers, most.label, ({ name }) => name).map(([name, tier]) =>
        this.#tier(name, tier),
      ),
      invalidations,
      refused,
      bypasses,
      groups: distinct(figures.groups, most.groups, most.group, ({ group }) => group).flatMap(([name, group]) => {
        const { hits, misses } = group;
        if (!this.#remembers(name)) return [];
        const grown = {
          group: name,
          hits: this.#grown(`group hits ${name}`, hits),
          misses: this.#grown(`group misses ${name}`, misses),
        };
        return grown.hits + grown.misses > 0 ? [grown] : [];
      }),
      stream: figures.stream && {
        ...figures.stream,
        state: figures.stream.state.slice(0, most.group),
        reason: figures.stream.reason?.slice(0, most.reason),
      },
    };
  }

  #tier(name: string, tier: TierFigures): TierFigures {
    const grown = tierCounters.map((counter) => [counter, this.#grown(`tier ${name} ${counter}`, tier[counter] ?? 0)]);
    return { ...tier, ...(Object.fromEntries(grown) as Pick<TierFigures, (typeof tierCounters)[number]>), name };
  }

  #record(kind: string, values: Readonly<Record<string, number>>): Record<string, number> {
    const grown = distinct(Object.entries(values), most.labels, most.label, ([label]) => label).map(
      ([name, [, value]]) => [name, this.#grown(`${kind} ${name}`, value)] as const,
    );
    return Object.fromEntries(grown.filter(([, value]) => value > 0));
  }

  /** A counter that is smaller than before began anew. */
  #grown(name: string, value: number): number {
    const counted = Number.isFinite(value) ? Math.max(0, value) : 0;
    const now = name.endsWith('Ms') ? counted : Math.round(counted);
    const before = this.#before.get(name) ?? 0;
    this.#before.set(name, now);
    return now >= before ? now - before : now;
  }

  #remembers(group: string): boolean {
    if (this.#before.has(`group hits ${group}`)) return true;
    if (this.#groups >= mostRemembered) return false;
    this.#groups += 1;
    return true;
  }
}

/** The first of a list, by names of a bounded length; what has the name of one before is left out. */
function distinct<Item>(
  items: readonly Item[],
  limit: number,
  length: number,
  nameOf: (item: Item) => string,
): [name: string, item: Item][] {
  const byName = new Map<string, Item>();
  for (const item of items) {
    const name = nameOf(item).slice(0, length);
    if (byName.size >= limit) break;
    if (!byName.has(name)) byName.set(name, item);
  }
  return [...byName];
}
