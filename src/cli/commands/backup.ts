import { Command, InvalidArgumentError, Option } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { BackupRecord, CreateProgress } from '../../ops/backup/index.ts';
import { backupDocument } from '../backup/document.ts';
import { progressTexts } from '../backup/progress-text.ts';
import { pinCommand, unpinCommand } from '../backup/pin-command.ts';
import { pruneCommand } from '../backup/prune-command.ts';
import {
  backupByName,
  openByFlags,
  type RepositoryFlags,
  withRecipients,
  withRepository,
} from '../backup/repository.ts';
import { statsCommand } from '../backup/stats-command.ts';
import { placesOf } from '../backup/server-settings.ts';
import { streamCommand } from '../backup/stream-command.ts';
import { verifyCommand } from '../backup/verify-command.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { backupList } from '../screen/backup-list.ts';
import { backupLines } from '../screen/backup-screen.ts';
import { interruptible } from '../signals.ts';
import { packageVersion } from '../version.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description('Backups: make them, see what is there, check it, and remove what is too much.')
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(statsCommand())
    .addCommand(streamCommand())
    .addCommand(verifyCommand())
    .addCommand(pruneCommand())
    .addCommand(pinCommand())
    .addCommand(unpinCommand())
    .addCommand(fetchCommand(), { hidden: true });
}

interface CreateFlags extends RepositoryFlags {
  type: BackupRecord['type'] | 'auto';
  checkpoint: 'fast' | 'spread';
  maxRate?: number;
  json?: boolean;
  quiet?: boolean;
}

function createCommand(): Command {
  const command = new Command('create').description(
    'Back the whole server up over the replication protocol, with the log that it needs. The role needs REPLICATION.',
  );
  return withRecipients(withCommonOptions(command, ({ path }) => path[0] === 'databases'))
    .addOption(
      new Option('--type <type>', 'everything, what has changed since the latest backup, or whichever serves better')
        .choices(['auto', 'full', 'incremental'])
        .default('auto'),
    )
    .addOption(
      new Option('--checkpoint <how>', 'begin at once, or as gently as the server does its own')
        .choices(['fast', 'spread'])
        .default('fast'),
    )
    .option('--max-rate <MB/s>', 'read at most so much a second', parseRate)
    .action(async () => {
      const flags = command.opts<CreateFlags>();
      const url = await serverUrl(flags, command);
      const repository = await openByFlags(flags);
      const { createBackup } = await import('../../ops/backup/index.ts');
      const progress = progressLine(flags.quiet ?? false);
      const text = phaseTexts();
      await interruptible(async (signal) => {
        const record = await createBackup({
          url,
          repository,
          type: flags.type,
          checkpoint: flags.checkpoint,
          maxRateKb: flags.maxRate,
          madeBy: `pitcrew ${packageVersion()}`,
          signal,
          onProgress: (at) => progress.show(text(at)),
          onChoice: ({ type, reason }) => progress.end(`${type === 'full' ? 'Full' : 'Incremental'}: ${reason}.`),
        });
        progress.end(`Stored in ${repository.name}.`);
        if (flags.json) printJson({ backup: backupDocument(record) });
        else print(backupLines(record).join('\n'));
      });
    });
}

/** Of the config's section `backups`, or the database that is named. */
async function serverUrl(flags: CreateFlags, command: Command): Promise<string> {
  const loaded = await loadSettings(command);
  const { from } = await placesOf(flags);
  const ofServer = from && (from.settings.url ?? loaded.config.databases[from.database]);
  if (ofServer !== undefined) return ofServer;
  const [[, url] = ['', '']] = requireOne(requireDatabases(loaded));
  return url;
}

function requireOne(databases: [string, string][]): [string, string][] {
  if (databases.length === 1) return databases;
  throw new PitcrewError('E_USAGE', 'several databases are named', {
    detail: `A repository is of one server; the config names ${databases.map(([name]) => name).join(', ')}.`,
    hint: 'Say which one: --database NAME.',
  });
}

/** What is said of each phase. */
function phaseTexts(): (progress: CreateProgress) => string {
  const copying = progressTexts('Copying');
  return ({ phase, doneBytes, totalBytes }) => {
    if (phase === 'waiting') return 'Waiting for a checkpoint …';
    if (phase === 'log') return 'Waiting for the last segment of the log …';
    return copying(doneBytes, totalBytes);
  };
}

function listCommand(): Command {
  const command = new Command('list').description(
    'The backups that are complete, oldest first, each with those that build on it.',
  );
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<RepositoryFlags & { json?: boolean }>();
      const repository = await openByFlags(flags);
      const { readPins } = await import('../../ops/backup/index.ts');
      const backups = await repository.backups();
      const pins = await readPins(repository);
      if (flags.json) {
        const documents = backups.map((backup) => ({ ...backupDocument(backup), pin: pins.get(backup.id) ?? null }));
        printJson({ repository: repository.name, backups: documents });
      } else print(backupList(repository.name, backups, { pins, width: process.stdout.columns }));
    });
}

function showCommand(): Command {
  const command = new Command('show')
    .description('What a backup consists of.')
    .argument('<backup>', 'its name, or "latest"');
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async (id: string) => {
      const flags = command.opts<RepositoryFlags & { json?: boolean }>();
      const record = await backupByName(await openByFlags(flags), id);
      if (flags.json) printJson({ backup: backupDocument(record) });
      else print(backupLines(record).join('\n'));
    });
}

/** What PostgreSQL's `restore_command` runs. */
function fetchCommand(): Command {
  const command = new Command('fetch-wal')
    .description("Put a file of the log where PostgreSQL wants it: what a restored server's restore_command runs.")
    .argument('<name>', 'its name')
    .argument('<path>', 'where to');
  return withRepository(command).action(async (name: string, path: string) => {
    const { fetchWal, notInRepository } = await import('../../ops/backup/index.ts');
    const flags = command.opts<RepositoryFlags>();
    process.exitCode = (await fetchWal(await openByFlags(flags), name, path)) ? 0 : notInRepository;
  });
}

function parseRate(text: string): number {
  const rate = Number(text);
  const kilobytes = Math.round(rate * 1000);
  if (kilobytes >= 32 && kilobytes <= 1_048_576) return kilobytes;
  throw new InvalidArgumentError('Give MB per second, from 0.032 to 1048.');
}
