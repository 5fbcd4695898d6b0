import { Command, InvalidArgumentError } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { Pruned, RetentionPolicy } from '../../ops/backup/index.ts';
import { confirm } from '../confirm.ts';
import { note, print, printJson } from '../output.ts';
import { pruneLines } from '../screen/backup-screen.ts';
import { openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

interface PruneFlags extends RepositoryFlags {
  keepLast: number;
  keepDaily: number;
  keepWeekly: number;
  keepMonthly: number;
  keepYearly: number;
  timeZone: string;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
}

export function pruneCommand(): Command {
  const command = new Command('prune').description(
    'Remove backups that no day, week, month or year wants, and the log that no kept backup needs. Shows each with its reason, and asks first.',
  );
  return withRepository(command)
    .option('--keep-last <count>', 'the latest, whatever the calendar says; 1 at least', parseCount, 1)
    .option('--keep-daily <count>', 'the latest of each of so many days', parseCount, 7)
    .option('--keep-weekly <count>', 'the latest of each of so many weeks', parseCount, 4)
    .option('--keep-monthly <count>', 'the latest of each of so many months', parseCount, 12)
    .option('--keep-yearly <count>', 'the latest of each of so many years', parseCount, 5)
    .option('--time-zone <name>', 'in which days begin and end, such as Europe/Berlin', parseTimeZone, 'UTC')
    .option('--dry-run', 'show what would be removed, and why; change nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<PruneFlags>();
      const repository = await openByFlags(flags);
      const { prune } = await import('../../ops/backup/index.ts');
      const policy = policyOf(flags);
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

const countOf = ({ decisions, segments, leftovers }: Pruned): number =>
  decisions.filter(({ keep }) => !keep).length + segments.length + leftovers.length;

function documentOf({ decisions, ...rest }: Pruned): object {
  return { backups: decisions.map(({ backup, keep, reasons }) => ({ id: backup.id, keep, reasons })), ...rest };
}

function policyOf({ keepLast, keepDaily, keepWeekly, keepMonthly, keepYearly, timeZone }: PruneFlags): RetentionPolicy {
  return {
    last: keepLast,
    daily: keepDaily,
    weekly: keepWeekly,
    monthly: keepMonthly,
    yearly: keepYearly,
    timeZone,
  };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 0 && count <= 10_000) return count;
  throw new InvalidArgumentError('Give a whole number.');
}

function parseTimeZone(name: string): string {
  try {
    // What it names is used, whatever its case.
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    throw new InvalidArgumentError('Give a time zone of the IANA database, such as Europe/Berlin.');
  }
}
