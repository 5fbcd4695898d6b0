import type { CommandResult } from './report.ts';
import type { CacheCommand, CacheCommandResult } from './reported-cache.ts';

const actions: readonly unknown[] = ['clear', 'invalidate', 'warm'] satisfies CacheCommand['action'][];
const lists = ['keys', 'tags', 'patterns', 'tables'] as const;

const mostCommands = 100;
/** Those already begun are given again until the daemon has their results. */
const mostRemembered = 1000;

/** What the answer to a report asks for; whatever else it holds, or an older daemon's answer, is none. */
export function commandsOf(answer: unknown): CacheCommand[] {
  const { commands } = fieldsOf(answer);
  return Array.isArray(commands) ? commands.slice(0, mostCommands).flatMap((each) => commandOf(each)) : [];
}

function commandOf(given: unknown): CacheCommand[] {
  const { id, cache, action, warmer, ...rest } = fieldsOf(given);
  if (typeof id !== 'string' || typeof cache !== 'string' || !actions.includes(action)) return [];
  const named = lists.map((name) => [name, textsOf(rest[name])] as const).filter(([, texts]) => texts.length > 0);
  return [
    {
      id,
      cache,
      action: action as CacheCommand['action'],
      ...Object.fromEntries(named),
      ...(typeof warmer === 'string' ? { warmer } : {}),
    },
  ];
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}

/** Runs commands, each once, and keeps their results until they are reported. */
export class Commands {
  readonly #run: (command: CacheCommand) => Promise<CacheCommandResult>;
  readonly #ended: () => void;
  readonly #begun = new Set<string>();
  #results: CommandResult[] = [];

  /** @param ended told when there is a result to report */
  constructor(run: (command: CacheCommand) => Promise<CacheCommandResult>, ended: () => void) {
    this.#run = run;
    this.#ended = ended;
  }

  begin(commands: readonly CacheCommand[]): void {
    for (const command of commands) {
      const key = JSON.stringify([command.id, command.cache]);
      if (this.#begun.has(key)) continue;
      this.#begun.add(key);
      for (const oldest of this.#begun) {
        if (this.#begun.size <= mostRemembered) break;
        this.#begun.delete(oldest);
      }
      void this.#finish(command);
    }
  }

  get haveResults(): boolean {
    return this.#results.length > 0;
  }

  /** Results that were not reported yet, as many as a report holds. */
  take(): CommandResult[] {
    return this.#results.splice(0, mostCommands);
  }

  async #finish(command: CacheCommand): Promise<void> {
    const { ok, error = null, detail = null } = await this.#run(command);
    this.#results.push({
      id: command.id,
      cache: command.cache,
      ok,
      error: error === null ? null : error.slice(0, 500),
      detail: detail === null ? null : detail.slice(0, 500),
    });
    this.#ended();
  }
}
