import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PitcrewError, messageOf } from '../errors.ts';
import { type Config, configDefinition } from './definition.ts';
import { nearest } from './nearest.ts';
import { isAt, type Setting, settings } from './settings.ts';

/** File names that are looked for in the working directory when no `--config` is given. */
export const configFileNames = [
  'pitcrew.config.ts',
  'pitcrew.config.mts',
  'pitcrew.config.js',
  'pitcrew.config.mjs',
  'pitcrew.config.json',
];

export interface LoadOptions {
  /** Directory in which the config file and `.env` are looked for. */
  cwd: string;
  env: Record<string, string | undefined>;
  /** `--config FILE`. */
  file?: string | undefined;
  /** Values of flags, by the flag's name without dashes. */
  flags?: Record<string, unknown> | undefined;
}

export interface LoadedConfig {
  config: Config & { dataDir: string };
  /** The file that was read, if any. */
  file: string | undefined;
  /** What looks like a mistake but was let through: unknown `PITCREW_…` variables. */
  warnings: string[];
}

/**
 * Reads every setting: flags before environment before file before defaults.
 * @throws {PitcrewError} `E_CONFIG` that names each bad path, what was found, where, and what is allowed.
 */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const file = findFile(options);
  const input: Record<string, unknown> = file ? await readConfigFile(file) : {};
  const origins = new Map<string, string>();
  for (const setting of settings) {
    const fromEnv = setting.env === undefined ? undefined : options.env[setting.env];
    if (setting.env !== undefined && fromEnv !== undefined && fromEnv !== '')
      assign(input, setting, fromEnv, origins, setting.env);
    const fromFlag = setting.flag === undefined ? undefined : options.flags?.[setting.flag];
    if (fromFlag !== undefined) assign(input, setting, fromFlag, origins, `--${setting.flag}`);
  }
  const parsed = configDefinition.safeParse(input, { reportInput: true });
  if (!parsed.success) throw configError(parsed.error.issues, origins, file);
  const dataDir = resolve(options.cwd, parsed.data.dataDir ?? defaultDataDir(options.env));
  const backups = withWholePaths(parsed.data.backups, file === undefined ? options.cwd : dirname(file));
  return { config: { ...parsed.data, dataDir, backups }, file, warnings: unknownVariables(options.env) };
}

/** What is named in a file is found from there, whoever reads it: a restored server's own command does. */
function withWholePaths(servers: Config['backups'], folder: string): Config['backups'] {
  const whole = (path: string): string => (path.includes('://') ? path : resolve(folder, path));
  return Object.fromEntries(
    Object.entries(servers).map(([name, server]) => {
      const repositories = server.repositories.map((repository) => ({
        ...repository,
        location: whole(repository.location),
        identityFile: repository.identityFile && whole(repository.identityFile),
        passphraseFile: repository.passphraseFile && whole(repository.passphraseFile),
      }));
      return [name, { ...server, repositories, drillDir: server.drillDir && whole(server.drillDir) }];
    }),
  );
}

/** Variables that only some flags take: they are no settings. */
const ofFlags = [
  'PITCREW_BACKUP_REPOSITORY',
  'PITCREW_BACKUP_IDENTITY',
  'PITCREW_BACKUP_PASSPHRASE_FILE',
  'PITCREW_S3_PATH_STYLE',
];

function findFile({ cwd, file }: LoadOptions): string | undefined {
  if (file === undefined) return configFileNames.map((name) => join(cwd, name)).find((path) => existsSync(path));
  const path = resolve(cwd, file);
  if (!existsSync(path)) {
    throw new PitcrewError('E_CONFIG', 'config file not found', { detail: path, hint: '"pitcrew init" writes one.' });
  }
  return path;
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  let content: unknown;
  try {
    content =
      extname(path) === '.json'
        ? JSON.parse(await readFile(path, 'utf8'))
        : ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new PitcrewError('E_CONFIG', 'config file cannot be read', {
      detail: `${path}: ${messageOf(error)}`,
      cause: error,
    });
  }
  if (typeof content !== 'object' || content === null) {
    throw new PitcrewError('E_CONFIG', 'config file exports no settings', {
      detail: path,
      hint: 'Write "export default defineConfig({ … })".',
    });
  }
  return structuredClone(content) as Record<string, unknown>;
}

function assign(
  input: Record<string, unknown>,
  setting: Setting,
  value: unknown,
  origins: Map<string, string>,
  origin: string,
): void {
  // One URL from the environment or a flag is the database called "main"; those of the file stay behind it.
  const isDatabase = setting.path[0] === 'databases';
  const path = isDatabase ? ['databases', 'main'] : setting.path;
  let parent = input;
  for (const part of path.slice(0, -1)) {
    const next = parent[part];
    parent = (parent[part] = typeof next === 'object' && next !== null ? next : {}) as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (isDatabase) {
    const { main: _replaced, ...others } = parent;
    input.databases = { main: value, ...others };
  } else {
    parent[last] = value;
  }
  origins.set(path.join('.'), origin);
}

type Issue = import('zod').core.$ZodIssue;

function configError(issues: Issue[], origins: Map<string, string>, file: string | undefined): PitcrewError {
  const lines = issues.flatMap((issue) => explainIssue(issue, origins, file));
  return new PitcrewError('E_CONFIG', lines.length === 1 ? 'bad setting' : `${lines.length} bad settings`, {
    detail: lines.join('\n'),
    hint: 'docs/configuration.md lists every setting; "pitcrew init" writes a commented file.',
  });
}

function explainIssue(issue: Issue, origins: Map<string, string>, file: string | undefined): string[] {
  const parts = issue.path.map(String);
  const path = parts.join('.');
  const origin = origins.get(path) ?? file ?? 'config';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map(
      (key) => `${[path, key].filter(Boolean).join('.')} (${origin}): unknown key${suggestion(parts, key)}`,
    );
  }
  const secret = settings.some((setting) => setting.secret && isAt(parts, setting.path));
  const found = secret ? 'a value that does not fit' : (JSON.stringify(issue.input) ?? 'nothing');
  return [`${path} (${origin}): found ${found}; ${issue.message}`];
}

/** The known key nearest to a mistyped one, as ", did you mean …?", or nothing when none is near. */
function suggestion(parent: readonly string[], key: string): string {
  const depth = parent.length;
  const below = settings.filter(({ path }) => isAt(parent, path.slice(0, depth)));
  const known = [...new Set(below.flatMap(({ path }) => path[depth] ?? []))];
  const near = nearest(key, known);
  return near === undefined ? `; allowed here: ${known.join(', ')}` : `, did you mean "${near}"?`;
}

/**
 * Unknown variables are only warned of: Kubernetes puts `PITCREW_PORT=tcp://…` into every container beside a service
 * called "pitcrew".
 */
function unknownVariables(env: Record<string, string | undefined>): string[] {
  const known = new Set([...settings.map((setting) => setting.env), ...ofFlags]);
  return Object.keys(env)
    .filter((key) => key.startsWith('PITCREW_') && !known.has(key))
    .map((key) => `${key} is not a setting of Pitcrew and is ignored`);
}

/** Root's daemon keeps its state where system services do, everyone else's in their home. */
function defaultDataDir(env: Record<string, string | undefined>): string {
  if (process.getuid?.() === 0) return '/var/lib/pitcrew';
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'pitcrew');
}
