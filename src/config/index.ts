import type { ConfigInput } from './definition.ts';

export { backupSettings, type BackupSettings, type RepositorySettings } from './backups.ts';
export type { Config, ConfigInput } from './definition.ts';
export { formatDuration, parseDuration } from './span.ts';
export { configFileNames, loadConfig, type LoadedConfig, type LoadOptions } from './load.ts';
export { nearest } from './nearest.ts';
export { formatSize, parseSize } from './size.ts';
export { type KeptLog, parseKeptLog } from './values.ts';
export { type Setting, settings } from './settings.ts';

/**
 * Gives a config file its types.
 * @example
 * ```ts
 * import { defineConfig } from 'pitcrew/config';
 *
 * export default defineConfig({
 *   databases: { shop: 'postgres://pitcrew@db.internal/shop' },
 * });
 * ```
 */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
