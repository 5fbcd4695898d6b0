import { Command, InvalidArgumentError, Option } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { BackupRecord, CreateProgress } from '../../ops/backup/index.ts';
import { copiedLine, copyToEach } from '../backup/copying.ts';
import { copyLine, lookAtCopies } from '../backup/copies.ts';
import { copyCommand } from '../backup/copy-command.ts';
import { keyCommand } from '../backup/key-command.ts';
import { backupDocument, drillDocument, proofDocument } from '../backup/document.ts';
import { drillCommand } from '../backup/drill-command.ts';
import { createDumps, dumpDocument, fetchDumpCommand } from '../backup/dump-command.ts';
import { fetchCommand } from '../backup/fetch/fetch-command.ts';
import { progressTexts } from '../backup/progress-text.ts';
import { reachableDocument } from '../backup/reachable-document.ts';
import { pinCommand, unpinCommand } from '../backup/pin-command.ts';
import { pruneCommand } from '../backup/prune-command.ts';
import {
  backupByName,
  openByFlags,
  openWithOthers,
  type RepositoryFlags,
  withRecipients,
  withRepository,
} from '../backup/repository.ts';
import { statsCommand } from '../backup/stats-command.ts';
import { placesOf, serverFlag } from '../backup/server-settings.ts';
import { streamCommand } from '../backup/stream-command.ts';
import { verifyCommand } from '../backup/verify-command.ts';
import { collect } from '../collect.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { backupList } from '../screen/backup-list.ts';
import { dumpList } from '../screen/dump-screen.ts';
import { reachableLines } from '../screen/reachable-screen.ts';
import { backupLines } from '../screen/backup-screen.ts';
import { drillFacts } from '../screen/drill-screen.ts';
import { interruptible } from '../signals.ts';
import { packageVersion } from '../version.ts';

export function backupCommand(): Command {
  return new Command('backup')
    .description(
      'Backups: make them, receive the log, see what is there, check it, and remove what is too much. "pitcrew restore" restores them.',
    )
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(copyCommand())
    .addCommand(keyCommand())
    .addCommand(statsCommand())
    .addCommand(streamCommand())
    .addCommand(verifyCommand())
    .addCommand(drillCommand())
    .addCommand(pruneCommand())
    .addCommand(pinCommand())
    .addCommand(unpinCommand())
    .addCommand(fetchDumpCommand())
    .addCommand(fetchCommand(), { hidden: true });
}

interface CreateFlags extends RepositoryFlags {
  type: BackupRecord['type'] | 'auto';
  checkpoint: 'fast' | 'spread';
  compressAt: 'client' | 'server';
  maxRate?: number;
  logical?: boolean;
  dumpDatabase: string[];
  table: string[];
  json?: boolean;
  quiet?: boolean;
}

function createCommand(): Command {
  const command = new Command('create').description(
    'Back the whole server up over the replication protocol, with the log that it needs, and copy that to all other repositories of the config file. The role needs REPLICATION.',
  );
  command.option(...serverFlag);
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
    .option('--logical', 'dump databases or tables with pg_dump instead, which has to be on this machine')
    .option('--dump-database <name>', 'dump this database; can be repeated (default: that of the URL)', collect, [])
    .option('--table <pattern>', "dump only such tables, as pg_dump's --table; can be repeated", collect, [])
    .addOption(
      new Option('--compress-at <where>', 'on this machine, or on the server, which then sends less and works more')
        .choices(['client', 'server'])
        .default('client'),
    )
    .option('--compress-level <1-19>', 'of zstd: higher is smaller and slower (default: 3)', parseUpTo(19))
    .option('--jobs <threads>', 'so many compress at once (default: 1, or 2 with three CPUs or more)', parseUpTo(16))
    .action(async () => {
      const flags = command.opts<CreateFlags>();
      const url = await serverUrl(flags, command);
      const [repository, ...others] = await openWithOthers(flags);
      if (flags.compressAt === 'server' && flags.jobs !== undefined) {
        throw new PitcrewError('E_USAGE', '--jobs is of compression on this machine', {
          hint: 'Leave it away, or have the client compress.',
        });
      }
      if (flags.logical) return createDumps(url, [repository, ...others], flags);
      if (flags.dumpDatabase.length + flags.table.length > 0) {
        throw new PitcrewError('E_USAGE', '--dump-database and --table are of logical backups', {
          hint: 'Give --logical as well.',
        });
      }
      const { createBackup } = await import('../../ops/backup/index.ts');
      const progress = progressLine(flags.quiet ?? false);
      const text = phaseTexts();
      await interruptible(async (signal) => {
        const record = await createBackup({
          url,
          repository,
          type: flags.type,
          checkpoint: flags.checkpoint,
          compressAt: flags.compressAt,
          maxRateKb: flags.maxRate,
          madeBy: `pitcrew ${packageVersion()}`,
          signal,
          onProgress: (at) => progress.show(text(at)),
          onChoice: ({ type, reason }) => progress.end(`${type === 'full' ? 'Full' : 'Incremental'}: ${reason}.`),
        });
        progress.end(`Stored in ${repository.name}.`);
        const copies = await copyToEach(repository, others, { quiet: flags.quiet ?? false, signal });
        if (flags.json) printJson({ backup: backupDocument(record), copies });
        else print([...backupLines(record), ...copies.map(copiedLine)].join('\n'));
        if (copies.some(({ error }) => error !== null)) process.exitCode = 1;
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
    'The backups that are complete, oldest first, each with those that build on it; and from when to when any second can be restored.',
  );
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async () => {
      const flags = command.opts<RepositoryFlags & { json?: boolean }>();
      const [repository, ...others] = await openWithOthers(flags);
      const { missingText, reachableWindows, readDrills, readDumps, readPins } =
        await import('../../ops/backup/index.ts');
      const backups = await repository.backups();
      const pins = await readPins(repository);
      const drills = await readDrills(repository);
      const dumps = await readDumps(repository);
      const reachable = await reachableWindows(repository, backups);
      const copies = await lookAtCopies(backups, others);
      if (flags.json) {
        const documents = backups.map((backup) => ({
          ...backupDocument(backup),
          pin: pins.get(backup.id) ?? null,
          proof: proofDocument(drills.findLast((drill) => drill.backup === backup.id)),
        }));
        printJson({
          repository: repository.name,
          backups: documents,
          dumps: dumps.map(dumpDocument),
          reachable: reachableDocument(reachable),
          copies,
        });
        return;
      }
      if (backups.length > 0 || dumps.length === 0) {
        print(backupList(repository.name, backups, { pins, drills, width: process.stdout.columns }));
        if (backups.length > 0) print(['', ...reachableLines(reachable, missingText)].join('\n'));
      }
      if (dumps.length > 0) print(`${backups.length > 0 ? '\n' : ''}${dumpList(dumps)}`);
      if (copies.length > 0) print(['', ...copies.map(copyLine)].join('\n'));
    });
}

function showCommand(): Command {
  const command = new Command('show')
    .description('All that is known of a backup, and what drills have found of it.')
    .argument('<backup>', 'its name, or "latest"');
  return withRepository(command)
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async (id: string) => {
      const flags = command.opts<RepositoryFlags & { json?: boolean }>();
      const repository = await openByFlags(flags);
      const record = await backupByName(repository, id);
      const { readDrills } = await import('../../ops/backup/index.ts');
      const drills = (await readDrills(repository)).filter(({ backup }) => backup === record.id);
      if (flags.json) printJson({ backup: backupDocument(record), drills: drills.map(drillDocument) });
      else print([...backupLines(record), ...drillFacts(drills)].join('\n'));
    });
}

function parseUpTo(most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= 1 && number <= most) return number;
    throw new InvalidArgumentError(`Give a number from 1 to ${most}.`);
  };
}

function parseRate(text: string): number {
  const rate = Number(text);
  const kilobytes = Math.round(rate * 1000);
  if (kilobytes >= 32 && kilobytes <= 1_048_576) return kilobytes;
  throw new InvalidArgumentError('Give MB per second, from 0.032 to 1048.');
}
