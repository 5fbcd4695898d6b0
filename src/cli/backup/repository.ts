import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { messageOf, PitcrewError } from '../../errors.ts';
import type { BackupRecord, Repository } from '../../ops/backup/index.ts';
import { collect } from '../optimize/options.ts';

export interface RepositoryFlags {
  repository: string;
  /** Of commands that write. */
  recipient?: string[];
  identity?: string;
}

/** Adds `--repository`, and what is needed to read what is encrypted there. */
export function withRepository(command: Command): Command {
  return command
    .addOption(
      new Option('--repository <folder>', 'where the backups are')
        .env('PITCREW_BACKUP_REPOSITORY')
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--identity <file>', 'secret keys of age, as "age-keygen" writes them, to read what is encrypted').env(
        'PITCREW_BACKUP_IDENTITY',
      ),
    );
}

/** Adds what is needed to write. */
export function withRecipients(command: Command): Command {
  return withRepository(command).option(
    '--recipient <age1…>',
    'encrypt for this public key of age; can be repeated (default: not encrypted)',
    collect,
    [],
  );
}

/** @throws {PitcrewError} `E_USAGE` when the file with the secret keys cannot be read or has none */
export async function openByFlags({ repository, recipient, identity }: RepositoryFlags): Promise<Repository> {
  const { localStorage, openRepository } = await import('../../ops/backup/index.ts');
  return openRepository({
    storage: localStorage(resolve(repository)),
    recipients: recipient ?? [],
    identities: identity === undefined ? [] : await readIdentities(identity),
  });
}

/** @throws {PitcrewError} `E_NOT_FOUND` */
export async function backupByName(repository: Repository, name: string): Promise<BackupRecord> {
  if (name !== 'latest') return repository.backup(name);
  const latest = (await repository.backups()).at(-1);
  if (latest) return latest;
  throw new PitcrewError('E_NOT_FOUND', `there is no complete backup in ${repository.name}`);
}

async function readIdentities(file: string): Promise<string[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new PitcrewError('E_USAGE', 'the file with the secret keys cannot be read', { detail: messageOf(error) });
  }
  const keys = text.split('\n').filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (keys.length > 0) return keys.map((key) => key.trim());
  throw new PitcrewError('E_USAGE', `${file} has no secret key of age in it`, {
    hint: '"age-keygen -o FILE" makes one; lines begin with AGE-SECRET-KEY-1.',
  });
}
