import { Command } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { BackupRecord, DumpRecord, Repository } from '../../ops/backup/index.ts';
import { print, printJson } from '../output.ts';
import { interruptible } from '../signals.ts';
import { copiedLine, copyToEach } from './copying.ts';
import { backupByName, openAllByFlags, openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

interface CopyFlags extends RepositoryFlags {
  all?: boolean;
  to?: string;
  json?: boolean;
  quiet?: boolean;
}

export function copyCommand(): Command {
  const command = new Command('copy')
    .description(
      'Copy backups with their log, logical backups and pins to other repositories, just as they are stored. Exit code 1 when one of them could not be reached.',
    )
    .argument(
      '[backup...]',
      'names, of logical ones too, or "latest" (default: all that are newer than the newest there)',
    );
  return withRepository(command)
    .option('--to <location>', 'where to: a folder, or s3://bucket/prefix (default: the others in the config file)')
    .option('--all', 'those, too, that are older than the newest there')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours')
    .action(async (names: string[]) => {
      const flags = command.opts<CopyFlags>();
      const [from, targets] = await placesOfCopy(flags);
      const what = await chosen(from, names, flags.all ?? false);
      await interruptible(async (signal) => {
        const copied = await copyToEach(from, targets, { ...what, quiet: flags.quiet ?? false, signal });
        if (flags.json) printJson({ from: from.name, copies: copied });
        else print(copied.map(copiedLine).join('\n'));
        process.exitCode = copied.some(({ error }) => error !== null) ? 1 : 0;
      });
    });
}

/** From the one that is named, or the first of the config file; to another that is named, or all others of the file. */
async function placesOfCopy(flags: CopyFlags): Promise<[from: Repository, targets: Repository[]]> {
  const from = await openByFlags(flags);
  const { repository: _from, ...others } = flags;
  const targets =
    flags.to === undefined ? await openAllByFlags(others) : [await openByFlags({ ...flags, repository: flags.to })];
  const other = targets.filter(({ name }) => name !== from.name);
  if (other.length > 0) return [from, other];
  throw new PitcrewError('E_USAGE', 'there is no other repository to copy to', {
    hint: 'Give --to, or name several repositories in the section "backups" of pitcrew.config.ts.',
  });
}

interface Chosen {
  backups?: BackupRecord[];
  dumps?: DumpRecord[];
}

async function chosen(from: Repository, names: readonly string[], all: boolean): Promise<Chosen> {
  const { readDumps } = await import('../../ops/backup/index.ts');
  if (!all && names.length === 0) return {};
  const known = await readDumps(from);
  if (all) return { backups: await from.backups(), dumps: known };
  const dumps = known.filter(({ id }) => names.includes(id));
  const others = names.filter((name) => !dumps.some(({ id }) => id === name));
  return { backups: await Promise.all(others.map((name) => backupByName(from, name))), dumps };
}
