import type { ChangeStreamOptions } from './types.ts';

/** The options with their defaults. */
export type Settings = ReturnType<typeof withDefaults>;

// eslint-disable-next-line typescript/explicit-function-return-type -- its type is what it returns
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
