import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Warmer, WarmResult } from '../../cache/index.ts';
import { quietly } from '../quietly.ts';
import { type CacheIncrease, Increases } from './increase.ts';
import type { CacheCommand, CacheCommandResult, CacheFigures, ReportedCache } from './reported-cache.ts';

export interface ObserveCacheOptions {
  /** What `pitcrew cache warm` can run, by its name. */
  warmers?: readonly Pick<Warmer<[]>, 'warm' | 'status'>[] | undefined;
}

type ReportedWarmer = NonNullable<ObserveCacheOptions['warmers']>[number];

interface Observed {
  readonly cache: ReportedCache;
  readonly warmers: ReadonlyMap<string, ReportedWarmer>;
  readonly increases: Increases;
}

/** A report holds no more. */
const mostCaches = 50;
const mostWarmers = 20;

/** The caches of a process that are reported, and commands for them. */
export class ObservedCaches {
  readonly #observed = new Map<string, Observed>();
  /** What caches that are observed no more had counted before. */
  #last: CacheIncrease[] = [];

  /** @throws `E_CONFIG` for a name that another one has, or too many caches */
  observe(cache: ReportedCache, { warmers = [] }: ObserveCacheOptions = {}): () => void {
    const name = cache.name.slice(0, 100);
    if (this.#observed.has(name)) {
      throw new PitcrewError('E_CONFIG', `two caches are reported as "${name}"`, {
        hint: 'Give each a name of its own, or end the observation of the first.',
      });
    }
    if (this.#observed.size >= mostCaches) {
      throw new PitcrewError('E_CONFIG', `at most ${mostCaches} caches of a process are reported`);
    }
    const named = warmers.map((warmer) => [warmer.status().name.slice(0, 100), warmer] as const);
    const observed: Observed = {
      cache,
      warmers: new Map(named.slice(0, mostWarmers)),
      increases: new Increases(),
    };
    this.#observed.set(name, observed);
    return () => {
      if (this.#observed.get(name) !== observed) return;
      this.#observed.delete(name);
      this.#last.push(...this.#increaseOf(name, observed));
    };
  }

  take(): CacheIncrease[] {
    const last = this.#last.splice(0);
    return [...last, ...[...this.#observed].flatMap(([name, observed]) => this.#increaseOf(name, observed))];
  }

  /** Never rejects: what fails is in the result. */
  async run(command: CacheCommand): Promise<CacheCommandResult> {
    const observed = this.#observed.get(command.cache);
    if (!observed) return { ok: false, error: 'this process reports no such cache' };
    try {
      const { action, warmer: wanted = '' } = command;
      const warmer = action === 'warm' ? observed.warmers.get(wanted) : undefined;
      return warmer ? warmed(await warmer.warm()) : await observed.cache.run(command);
    } catch (error) {
      return { ok: false, error: messageOf(error) };
    }
  }

  #increaseOf(name: string, { cache, warmers, increases }: Observed): CacheIncrease[] {
    let figures: CacheFigures | undefined;
    quietly(() => (figures = cache.figures()));
    if (!figures) return [];
    return [{ name, kind: cache.kind, warmers: [...warmers.keys()], ...increases.take(figures) }];
  }
}

function warmed({ warmed: loaded, failed, complete, lastError }: WarmResult): CacheCommandResult {
  const detail = `${loaded} loaded${failed > 0 ? `, ${failed} failed` : ''}${complete ? '' : ', ended before all were'}`;
  if (complete && failed === 0) return { ok: true, detail };
  return { ok: false, error: lastError ?? 'the time was over', detail };
}
