import { Command } from 'commander';
import type { BackupRecord, Repository, Verified } from '../../ops/backup/index.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { formatBytes } from '../screen/format.ts';
import { verifiedLines } from '../screen/backup-screen.ts';
import { interruptible } from '../signals.ts';
import { progressTexts } from './progress-text.ts';
import { backupByName, openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

export function verifyCommand(): Command {
  const command = new Command('verify')
    .description(
      'Read every stored byte of backups and compare it with its checksum. Exit code 1 when something is not as it was.',
    )
    .argument('[backup...]', 'names, or "latest" (default: all)');
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours')
    .action(async (names: string[]) => {
      const flags = command.opts<RepositoryFlags & { json?: boolean; quiet?: boolean }>();
      const repository = await openByFlags(flags);
      const { verifyBackup } = await import('../../ops/backup/index.ts');
      const backups = names.length === 0 ? await repository.backups() : await chainsOf(repository, names);
      const total = backups.flatMap(({ files }) => files).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      const progress = progressLine(flags.quiet ?? false);
      const text = progressTexts('Reading');
      let done = 0;
      const verified: Verified[] = [];
      await interruptible(async (signal) => {
        for (const backup of backups) {
          const onBytes = (bytes: number): void => {
            done += bytes;
            progress.show(text(done, total));
          };
          verified.push(await verifyBackup(repository, backup, { signal, onBytes }));
        }
        progress.end(`${formatBytes(done)} read.`);
        if (flags.json) printJson({ backups: verified.map(({ backup, ...found }) => ({ id: backup.id, ...found })) });
        else
          print(
            verified.length === 0 ? `No complete backup is in ${repository.name}.` : verifiedLines(verified).join('\n'),
          );
        process.exitCode = verified.some(({ problems }) => problems.length > 0) ? 1 : 0;
      });
    });
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
