import { resolve } from 'node:path';
import type { BackupSettings, LoadedConfig, RepositorySettings } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';

/** How commands that talk to the server itself have it named. */
export const serverFlag = ['--database <url|name>', 'the server: its URL, or its name in the config file'] as const;

/** Flags that say where backups are. */
export interface RepositoryFlags {
  /** Without it: that of the config file. */
  repository?: string;
  config?: string;
  /** The name of a server in it; a URL where a command takes one. */
  database?: string;
  /** Of commands that write. */
  recipient?: string[];
  compressLevel?: number;
  jobs?: number;
  identity?: string;
  passphraseFile?: string;
  s3Endpoint?: string;
  s3Region?: string;
  s3PathStyle?: boolean;
}

/** Where backups of a server are, by flags or by a config file. */
export interface Places {
  repositories: RepositorySettings[];
  /** Where a config file has them; `undefined` when flags said it all. */
  from: { file: string; database: string; settings: BackupSettings } | undefined;
}

/**
 * The repositories that are meant: that of `--repository`, or all that the config file has for a server. What flags say of keys goes before what the
 * file says.
 * @throws {PitcrewError} `E_USAGE` when none is given, or the file has several servers and none was named; `E_CONFIG`
 */
export async function placesOf(flags: RepositoryFlags): Promise<Places> {
  const isNamed = flags.config !== undefined || (flags.database !== undefined && !flags.database.includes('://'));
  if (flags.repository !== undefined && !isNamed)
    return { repositories: [ofFlags(flags, flags.repository)], from: undefined };
  // A restored server names its repository by flags alone, for each segment.
  const { loadConfigFor } = await import('../options.ts');
  const from = serverOf(await loadConfigFor({ config: flags.config, quiet: true }, {}), flags);
  if (flags.repository === undefined) {
    if (from) return { repositories: from.settings.repositories.map((each) => withKeys(each, flags)), from };
    throw new PitcrewError('E_USAGE', 'no repository is given', {
      hint: 'Give --repository, set PITCREW_BACKUP_REPOSITORY, or name one in the section "backups" of pitcrew.config.ts.',
    });
  }
  const location = locationOf(flags.repository);
  const known = from?.settings.repositories.find((each) => locationOf(each.location) === location);
  if (!from || !known) return { repositories: [ofFlags(flags, flags.repository)], from: undefined };
  return { repositories: [withKeys(known, flags)], from };
}

/** What a config file says of a server: the one that is named, or the only one that is backed up. */
function serverOf({ config, file }: LoadedConfig, { database, repository }: RepositoryFlags): Places['from'] {
  const servers = Object.entries(config.backups);
  const isIt = (name: string): boolean => name === database || config.databases[name] === database;
  const meant = database === undefined ? servers : servers.filter(([name]) => isIt(name));
  const [[name, settings] = [], ...others] = meant;
  if (file === undefined || name === undefined || settings === undefined) return undefined;
  if (others.length === 0 || repository !== undefined) return { file, database: name, settings };
  throw new PitcrewError('E_USAGE', 'several servers are backed up', {
    detail: `The config names ${meant.map(([each]) => each).join(', ')}.`,
    hint: 'Say which one: --database NAME.',
  });
}

function ofFlags(flags: RepositoryFlags, location: string): RepositorySettings {
  const { s3Endpoint, s3Region = 'us-east-1', s3PathStyle = false } = flags;
  const s3 = { endpoint: s3Endpoint, region: s3Region, pathStyle: s3PathStyle };
  return withKeys({ location: locationOf(location), recipients: [], s3 }, flags);
}

function withKeys(
  settings: RepositorySettings,
  { recipient = [], identity, passphraseFile }: RepositoryFlags,
): RepositorySettings {
  return {
    ...settings,
    ...(recipient.length > 0 ? { recipients: recipient } : {}),
    ...(identity === undefined ? {} : { identityFile: resolve(identity) }),
    ...(passphraseFile === undefined ? {} : { passphraseFile: resolve(passphraseFile) }),
  };
}

/** A folder as seen from anywhere; a bucket as it is. */
const locationOf = (location: string): string => (location.includes('://') ? location : resolve(location));

/** Words of a command line that mean the same repository anywhere, without a secret in them. */
export function wordsOf({ repositories, from }: Places, flags: RepositoryFlags): string[] {
  const [{ location, identityFile, passphraseFile, s3 } = {}] = repositories;
  const words = ['--repository', location ?? ''];
  // What the file has, keys of a bucket among it, is read from there again.
  if (from) words.push('--config', from.file, '--database', from.database);
  else if (location?.startsWith('s3://') && s3) {
    words.push('--s3-region', s3.region);
    if (s3.endpoint !== undefined) words.push('--s3-endpoint', s3.endpoint);
    if (s3.pathStyle) words.push('--s3-path-style');
  }
  if (identityFile !== undefined && (!from || flags.identity !== undefined)) words.push('--identity', identityFile);
  if (passphraseFile !== undefined && (!from || flags.passphraseFile !== undefined)) {
    words.push('--passphrase-file', passphraseFile);
  }
  return words;
}
