import type { TriggerStreamOptions } from './types.ts';

/** The options with their defaults. */
export type TriggerSettings = ReturnType<typeof withDefaults>;

export function withDefaults(options: TriggerStreamOptions) {
  return {
    ...options,
    createTriggers: options.createTriggers ?? false,
    maxLagMs: options.maxLagMs ?? 2000,
    watchEveryMs: options.watchEveryMs ?? 500,
    schemaEveryMs: options.schemaEveryMs ?? 1000,
    keysPerTable: options.keysPerTable ?? 1000,
  };
}
