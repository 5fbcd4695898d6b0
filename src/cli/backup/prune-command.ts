import { Command } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { Pruned } from '../../ops/backup/index.ts';
import { confirm } from '../confirm.ts';
import { note, print, printJson } from '../output.ts';
import { pruneLines } from '../screen/backup-screen.ts';
import { type RetentionFlags, retentionOf, withRetention } from './retention-flags.ts';
import { openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

interface PruneFlags extends RepositoryFlags, RetentionFlags {
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function pruneCommand(): Command {
  const command = new Command('prune').description(
    'Remove backups that no day, week, month or year wants, and the log that no kept backup needs. Shows each with its reason, and asks first.',
  );
  return withRetention(withRepository(command))
    .option('--dry-run', 'show what would be removed, and why; change nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<PruneFlags>();
      const repository = await openByFlags(flags);
      const { prune } = await import('../../ops/backup/index.ts');
      const policy = await retentionOf(flags);
      const planned = await prune(repository, { policy, dryRun: true });
      const done = !flags.dryRun && countOf(planned) > 0;
      if (done && !flags.yes) {
        const isYes = await confirm(async () => {
          note(pruneLines(planned, { done: false }).join('\n'));
          return 'Remove these?';
        });
        if (!isYes) throw new PitcrewError('E_ABORTED', 'nothing was removed');
      }
      const pruned = done ? await prune(repository, { policy, dryRun: false }) : planned;
      if (flags.json) printJson({ done, ...documentOf(pruned) });
      else print(pruneLines(pruned, { done }).join('\n'));
    });
}

const countOf = ({ decisions, segments, gaps, leftovers, dumps }: Pruned): number =>
  [...decisions, ...dumps].filter(({ keep }) => !keep).length + segments.count + gaps.length + leftovers.length;

function documentOf({ decisions, dumps, ...rest }: Pruned): object {
  return {
    backups: decisions.map(({ backup, keep, reasons, toItsEnd = null }) => ({
      id: backup.id,
      keep,
      reasons,
      toItsEnd,
    })),
    ...rest,
    dumps: dumps.map(({ dump, keep, reasons }) => ({ id: dump.id, keep, reasons })),
  };
}
