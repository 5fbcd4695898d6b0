import { type Command, Option } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { BackupRecord, Repository } from '../../ops/backup/index.ts';
import { collect } from '../collect.ts';
import { hasOption } from '../has-option.ts';
import { note } from '../output.ts';
import { placesOf, type RepositoryFlags } from './server-settings.ts';

export type { RepositoryFlags } from './server-settings.ts';

/** Adds `--repository`, and what is needed to read what is encrypted there. */
export function withRepository(command: Command): Command {
  const options = [
    new Option(
      '--repository <location>',
      'where the backups are: a folder, or s3://bucket/prefix (default: the first in the config file)',
    ).env('PITCREW_BACKUP_REPOSITORY'),
    new Option('--config <file>', 'config file (default: pitcrew.config.ts in this folder)'),
    new Option('--database <name>', 'the server, where the config file has backups of several'),
    new Option('--identity <file>', 'secret keys of age, as "age-keygen" writes them, to read what is encrypted').env(
      'PITCREW_BACKUP_IDENTITY',
    ),
    new Option('--passphrase-file <file>', "opens the repository's own key, to read what is encrypted").env(
      'PITCREW_BACKUP_PASSPHRASE_FILE',
    ),
    new Option('--s3-endpoint <url>', "of a service other than Amazon's").env('AWS_ENDPOINT_URL_S3'),
    new Option('--s3-region <name>', 'where the bucket is (default: us-east-1)').env('AWS_REGION'),
    new Option('--s3-path-style', 'the bucket stands in the path, not in the name of the host').env(
      'PITCREW_S3_PATH_STYLE',
    ),
  ];
  for (const option of options) if (!hasOption(command, option.long ?? '')) command.addOption(option);
  return command;
}

/** Adds what is needed to write. */
export function withRecipients(command: Command): Command {
  return withRepository(command).option(
    '--recipient <age1…>',
    'encrypt for this public key of age; can be repeated (default: the keys that the repository knows, else not encrypted)',
    collect,
    [],
  );
}

/**
 * The repository that is meant; where the config file has several, the first.
 * @throws {PitcrewError} `E_USAGE` when none is given; `E_BACKUP_KEY` when a file with keys cannot be read; `E_CONFIG`
 */
export async function openByFlags(flags: RepositoryFlags): Promise<Repository> {
  const [repository] = await openWithOthers(flags, 1);
  return repository;
}

/** Likewise, with the others of the config file. @throws {PitcrewError} likewise */
export async function openWithOthers(
  flags: RepositoryFlags,
  most = Infinity,
): Promise<[first: Repository, ...others: Repository[]]> {
  const [first, ...others] = await openAllByFlags(flags, most);
  if (first) return [first, ...others];
  throw new PitcrewError('E_USAGE', 'no repository is given');
}

/** All that are meant: the one of `--repository`, or those of the config file in their order. @throws {PitcrewError} likewise */
export async function openAllByFlags(flags: RepositoryFlags, most = Infinity): Promise<Repository[]> {
  const { openRepositories } = await import('../../ops/backup/index.ts');
  const { repositories } = await placesOf(flags);
  return openRepositories({ repositories: repositories.slice(0, most) }, note, {
    level: flags.compressLevel,
    jobs: flags.jobs,
  });
}

/** @throws {PitcrewError} `E_NOT_FOUND` */
export async function backupByName(repository: Repository, name: string): Promise<BackupRecord> {
  if (name !== 'latest') return repository.backup(name);
  const latest = (await repository.backups()).at(-1);
  if (latest) return latest;
  throw new PitcrewError('E_NOT_FOUND', `there is no complete backup in ${repository.name}`);
}
