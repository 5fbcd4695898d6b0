import { Command, InvalidArgumentError } from 'commander';
import { print, printJson } from '../output.ts';
import { pinsToEach } from './copying.ts';
import { backupByName, openWithOthers, type RepositoryFlags, withRepository } from './repository.ts';

interface PinFlags extends RepositoryFlags {
  until?: Date;
  reason?: string;
  json?: boolean;
}

export function pinCommand(): Command {
  const command = new Command('pin')
    .description(
      'Keep a backup, and all that it needs, whatever the calendar and the limits of "backup prune" say; in the other repositories of the config file, too.',
    )
    .argument('<backup>', 'its name, or "latest"');
  return withRepository(command)
    .option(
      '--until <time>',
      'up to then, such as 2027-12-31 or 2027-12-31T23:00:00Z (default: until "unpin")',
      parseTime,
    )
    .option('--reason <text>', 'why, for whoever wonders later')
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async (name: string) => {
      const { until, reason, json, ...flags } = command.opts<PinFlags>();
      const [repository, ...others] = await openWithOthers(flags);
      const { pin } = await import('../../ops/backup/index.ts');
      const { id } = await backupByName(repository, name);
      const pinned = await pin(repository, id, { until: until ?? null, reason: reason ?? null });
      const everywhere = await pinsToEach(repository, others);
      if (json) printJson({ pin: pinned });
      else print(`${id} is kept ${until === undefined ? 'until it is unpinned' : `until ${until.toISOString()}`}.`);
      process.exitCode = everywhere ? 0 : 1;
    });
}

export function unpinCommand(): Command {
  const command = new Command('unpin')
    .description(
      'Let the calendar and the limits of "backup prune" decide about a backup again; in the other repositories of the config file, too.',
    )
    .argument('<backup>', 'its name, or "latest"');
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async (name: string) => {
      const flags = command.opts<PinFlags>();
      const [repository, ...others] = await openWithOthers(flags);
      const { unpin } = await import('../../ops/backup/index.ts');
      const { id } = await backupByName(repository, name);
      await unpin(repository, id);
      const everywhere = await pinsToEach(repository, others);
      if (flags.json) printJson({ unpinned: id });
      else print(`${id} is not pinned any more.`);
      process.exitCode = everywhere ? 0 : 1;
    });
}

/** A day means its beginning in UTC. */
function parseTime(text: string): Date {
  const at = new Date(text);
  const isWhole = /^\d{4}-\d{2}-\d{2}$/.test(text) || /(Z|[+-]\d{2}:?\d{2})$/i.test(text);
  if (!isWhole || Number.isNaN(at.getTime())) {
    throw new InvalidArgumentError('Give a day, or a time with its zone, such as 2027-12-31T23:00:00Z.');
  }
  if (at.getTime() <= Date.now()) throw new InvalidArgumentError('That is over already.');
  return at;
}
