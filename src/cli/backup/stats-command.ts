import { Command } from 'commander';
import { print, printJson } from '../output.ts';
import { statsLines } from '../screen/backup-stats-screen.ts';
import { openByFlags, type RepositoryFlags, withRepository } from './repository.ts';
import { type RetentionFlags, retentionOf, withRetention } from './retention-flags.ts';

export function statsCommand(): Command {
  const command = new Command('stats').description(
    'What is stored, how it grows, and what each kind of retention costs. The flags are those of "backup prune".',
  );
  return withRetention(withRepository(command))
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<RepositoryFlags & RetentionFlags & { json?: boolean }>();
      const repository = await openByFlags(flags);
      const { statsOf } = await import('../../ops/backup/index.ts');
      const stats = await statsOf(repository, await retentionOf(flags));
      if (flags.json) printJson({ repository: repository.name, ...stats });
      else print(statsLines(repository.name, stats).join('\n'));
    });
}
