import type { ChangeStreamOptions } from './types.ts';

/** The options with their defaults. */
export type Settings = ReturnType<typeof withDefaults>;

export function withDefaults(options: ChangeStreamOptions) {
  return {
    ...options,
    publication: options.publication ?? 'pitcrew',
    maxLagMs: options.maxLagMs ?? 2000,
    watchEveryMs: options.watchEveryMs ?? 500,
    schemaEveryMs: options.schemaEveryMs ?? 1000,
    keysPerTable: options.keysPerTable ?? 1000,
  };
}
