import { loadEnvFile } from 'node:process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type LoadedConfig, loadConfig, type Setting, settings } from '../config/index.ts';
import { PitcrewError } from '../errors.ts';
import { hasOption } from './has-option.ts';
import { note } from './output.ts';

/** What every command understands. */
export interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
  config?: string | undefined;
  [flag: string]: unknown;
}

/** Adds `--config`, `--json`, `--quiet`, `--no-color` and the flags of the settings that the command uses. */
export function withCommonOptions(command: Command, uses: (setting: Setting) => boolean): Command {
  if (!hasOption(command, '--config')) {
    command.option('--config <file>', 'config file (default: pitcrew.config.ts in this folder)');
  }
  for (const setting of settings) {
    if (setting.flag === undefined || !uses(setting) || hasOption(command, `--${setting.flag}`)) continue;
    const value =
      setting.kind === 'true or false' ? '[true|false]' : `<${setting.flag === 'database' ? 'url|name' : 'value'}>`;
    const fallback = setting.default === undefined ? '' : ` (default: ${setting.default})`;
    command.addOption(new Option(`--${setting.flag} ${value}`, `${setting.description}${fallback}`));
  }
  return command
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours');
}

/** `--backend`: where statements are planned under other indexes; the setting `advisor.backend` by default. */
export function backendOption(): Option {
  return new Option(
    '--backend <name>',
    'where statements are planned under other indexes: on a twin here, or on the server with HypoPG (default: that of the settings, twin)',
  ).choices(['twin', 'hypopg']);
}

/** Loads the settings for a command: flags, environment, `.env`, file. */
export async function loadSettings(command: Command): Promise<LoadedConfig> {
  const options = command.opts<CommonOptions>();
  const flags = Object.fromEntries(
    settings.flatMap(({ flag }) => (flag === undefined ? [] : [[flag, options[camelCase(flag)]]])),
  );
  const wanted = typeof flags.database === 'string' && !flags.database.includes('://') ? flags.database : undefined;
  if (wanted !== undefined) flags.database = undefined;
  const loaded = await loadConfigFor(options, flags);
  if (wanted !== undefined) keepOnly(loaded, wanted);
  return loaded;
}

/** Loads the settings as `loadSettings` does, by options that were looked at already. */
export async function loadConfigFor(options: CommonOptions, flags: Record<string, unknown>): Promise<LoadedConfig> {
  const cwd = process.cwd();
  if (existsSync(join(cwd, '.env'))) loadEnvFile(join(cwd, '.env'));
  const loaded = await loadConfig({ cwd, env: process.env, file: options.config, flags });
  if (!options.quiet) for (const warning of loaded.warnings) note(`warning: ${warning}`);
  return loaded;
}

/** Adds what commands that ask a daemon understand: `--url`, `--database NAME` and what all do. */
export function withDaemonOptions(command: Command): Command {
  return withCommonOptions(
    command
      .option('--url <url>', 'where "pitcrew serve" listens (default: http://127.0.0.1:7432)')
      .option('--database <name>', 'under which name it watches the database (default: its first)'),
    () => false,
  );
}

/** Where the daemon is, and what it asks for: `--url`, or this machine at the port of the settings; the token of PITCREW_TOKEN. */
export async function loadDaemonAddress(
  command: Command,
): Promise<{ url: string; token: string | undefined; database: string | undefined }> {
  const options = command.opts<CommonOptions & { url?: string; database?: string }>();
  const { server } = (await loadConfigFor(options, {})).config;
  return {
    url: options.url ?? `http://127.0.0.1:${server.port}`,
    token: server.token,
    database: options.database,
  };
}

/** `--database NAME` picks one of the databases of the config. */
function keepOnly({ config }: LoadedConfig, name: string): void {
  const url = config.databases[name];
  if (url === undefined) {
    const known = Object.keys(config.databases);
    throw new PitcrewError('E_USAGE', `no database is called "${name}"`, {
      detail: known.length > 0 ? `The config names ${known.join(', ')}.` : 'The config names none.',
      hint: 'Give a name from the config, or a URL such as postgres://user@host/database.',
    });
  }
  config.databases = { [name]: url };
}

/** @throws {PitcrewError} `E_USAGE` when no database is named anywhere. */
export function requireDatabases({ config }: LoadedConfig): [name: string, url: string][] {
  const entries = Object.entries(config.databases);
  if (entries.length === 0) {
    throw new PitcrewError('E_USAGE', 'no database is given', {
      hint: 'Set DATABASE_URL, use --database postgres://…, or name one in pitcrew.config.ts ("pitcrew init" writes it).',
    });
  }
  return entries;
}

function camelCase(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
