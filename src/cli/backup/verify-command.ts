import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/index.ts';
import type { BackupRecord, Repository, Verified, VerifyProgress } from '../../ops/backup/index.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { formatBytes } from '../screen/format.ts';
import { verifiedLines } from '../screen/verified-screen.ts';
import { interruptible } from '../signals.ts';
import { progressTexts } from './progress-text.ts';
import { backupByName, openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

interface VerifyFlags extends RepositoryFlags {
  maxAge: number;
  all?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Read every stored byte and compare it with its checksum, and look for gaps in the log. Exit code 1 when something is not as it was.',
    )
    .argument('[backup...]', 'names, or "latest", with the log that they need (default: everything)');
  return withRepository(command)
    .addOption(
      new Option('--max-age <duration>', 'what was found whole within this time, and is unchanged, is not read again')
        .argParser(parseAge)
        .default(7 * 86_400_000, '7d'),
    )
    .option('--all', 'read everything, whatever was read lately')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours')
    .action(async (names: string[]) => {
      const flags = command.opts<VerifyFlags>();
      const repository = await openByFlags(flags);
      const { isWrong, verify } = await import('../../ops/backup/index.ts');
      const backups = names.length === 0 ? undefined : await chainsOf(repository, names);
      const progress = progressLine(flags.quiet ?? false);
      const text = phaseTexts();
      await interruptible(async (signal) => {
        const verified = await verify(repository, {
          backups,
          maxAgeMs: flags.all ? 0 : flags.maxAge,
          signal,
          onProgress: (at) => progress.show(text(at)),
        });
        progress.end(`${formatBytes(bytesOf(verified))} read.`);
        if (flags.json) printJson(documentOf(verified));
        else print(verifiedLines(repository.name, verified).join('\n'));
        process.exitCode = isWrong(verified) ? 1 : 0;
      });
    });
}

function phaseTexts(): (progress: VerifyProgress) => string {
  const reading = progressTexts('Reading');
  return ({ phase, doneBytes, totalBytes, segments }) =>
    phase === 'backups'
      ? reading(doneBytes, totalBytes)
      : `Reading the log: ${segments} segments, ${formatBytes(doneBytes)} read`;
}

const bytesOf = ({ backups, log }: Verified): number => backups.reduce((sum, { bytes }) => sum + bytes, 0) + log.bytes;

function documentOf({ backups, ...rest }: Verified): object {
  return { backups: backups.map(({ backup, ...found }) => ({ id: backup.id, ...found })), ...rest };
}

/** Those of that name, and those that they build on: each once. */
async function chainsOf(repository: Repository, names: readonly string[]): Promise<BackupRecord[]> {
  const found = new Map<string, BackupRecord>();
  for (const name of names) {
    const chain = await repository.chain(await backupByName(repository, name));
    for (const backup of chain) found.set(backup.id, backup);
  }
  return [...found.values()];
}

function parseAge(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms >= 0) return ms;
  throw new InvalidArgumentError('Give a time such as 12h or 7d.');
}
