import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { LoadedConfig } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';
import type { StreamEvent } from '../../ops/backup/index.ts';
import { parseBytes } from '../bytes.ts';
import { collect } from '../collect.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { note, print } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { untilSignal } from '../signals.ts';
import { withRecipients } from './repository.ts';
import { type Places, placesOf, type RepositoryFlags, serverFlag } from './server-settings.ts';
import { eventText, stateText } from './stream-text.ts';

interface StreamFlags extends Omit<RepositoryFlags, 'repository'> {
  repository: string[];
  slot?: string;
  partialEvery: number;
  maxRetained?: number;
  once?: boolean;
  createSlot?: boolean;
  dropSlot?: boolean;
  json?: boolean;
  quiet?: boolean;
}

const showEveryMs = 1000;

export function streamCommand(): Command {
  const command = new Command('stream').description(
    'Receive the log of a server all the time and store it, until SIGTERM: any second can be restored. Takes a replication slot on the server, which keeps ' +
      'its log while it is not received.',
  );
  command.addOption(
    new Option(
      '--repository <location>',
      'where to: a folder, or s3://bucket/prefix; can be repeated, and each gets all of it (default: all in the config file)',
    )
      .env('PITCREW_BACKUP_REPOSITORY')
      .default([])
      .argParser(collect),
  );
  command.option(...serverFlag);
  return withRecipients(withCommonOptions(command, ({ path }) => ['databases', 'dataDir'].includes(path[0] ?? '')))
    .option('--slot <name>', 'the replication slot (default: pitcrew_ and the name of the database)', parseSlot)
    .option(
      '--partial-every <seconds>',
      'how often the segment that is not complete yet is stored, when it has grown',
      parseSeconds,
      10,
    )
    .option(
      '--max-retained <size>',
      'so much log the server keeps for a repository that cannot be reached (default: 64GB)',
      parseBytes,
    )
    .option('--once', 'end when all is stored that the server has now')
    .option('--create-slot', 'only make the slot, from where on the server keeps its log')
    .option('--drop-slot', 'only remove the slot: the server keeps no log for it any longer')
    .action(() => run(command));
}

async function run(command: Command): Promise<void> {
  const flags = command.opts<StreamFlags>();
  const settings = await loadSettings(command);
  const { dropSlot, makeSlot, openRepositories, slotNameOf, streamLog } = await import('../../ops/backup/index.ts');
  if (flags.createSlot && flags.dropSlot) throw new PitcrewError('E_USAGE', 'the slot is to be made and removed');
  const places = flags.createSlot || flags.dropSlot ? [] : await placesOfAll(flags);
  const { name, url } = serverOf(places[0]?.from, settings);
  const slot = flags.slot ?? slotNameOf(name);
  if (flags.dropSlot) return tell(flags, { slot, dropped: await dropSlot(url, slot) });
  if (flags.createSlot) return tell(flags, { slot, action: (await makeSlot(url, slot)).action });
  const repositories = await openRepositories({ repositories: places.flatMap((each) => each.repositories) }, note);
  const progress = progressLine((flags.quiet ?? false) || !process.stderr.isTTY);
  await untilSignal(async (signal) => {
    const stream = streamLog({
      url,
      repositories,
      slot,
      spoolDir: join(settings.config.dataDir, 'stream'),
      partialEveryMs: flags.partialEvery * 1000,
      maxRetainedBytes: flags.maxRetained ?? places[0]?.from?.settings.maxRetained,
      once: flags.once ?? false,
      signal,
      onEvent: (event) => say(flags, event),
    });
    const showing = setInterval(() => progress.show(stateText(stream.state())), showEveryMs);
    try {
      await stream.ended;
    } finally {
      clearInterval(showing);
    }
  });
}

/** Each repository that is named, or all that the config file has for the server. */
async function placesOfAll({ repository, ...flags }: StreamFlags): Promise<Places[]> {
  if (repository.length === 0) return [await placesOf(flags)];
  return Promise.all(repository.map((each) => placesOf({ ...flags, repository: each })));
}

/** Of the config's section `backups`, or the database that is named. */
function serverOf(from: Places['from'], settings: LoadedConfig): { name: string; url: string } {
  const ofServer = from && (from.settings.url ?? settings.config.databases[from.database]);
  if (from && ofServer !== undefined) return { name: from.database, url: ofServer };
  const [[name, url] = ['', ''], ...others] = requireDatabases(settings);
  if (others.length > 0) throw severalServers([name, ...others.map(([other]) => other)]);
  return { name, url };
}

/** An event: for programs one line of JSON, for people a sentence where there is something to say. */
function say({ json, quiet }: StreamFlags, event: StreamEvent): void {
  if (json) print(JSON.stringify(event));
  const text = eventText(event);
  if (text !== undefined && !quiet) note(`${process.stderr.isTTY ? '\r\u001B[K' : ''}${text}`);
}

type SlotDone = { slot: string; dropped: boolean } | { slot: string; action: string };

function tell({ json }: StreamFlags, done: SlotDone): void {
  if (json) print(JSON.stringify(done));
  else if ('dropped' in done) print(done.dropped ? `Removed the slot ${done.slot}.` : `There is no slot ${done.slot}.`);
  else print(done.action === 'found' ? `The slot ${done.slot} is there already.` : `Made the slot ${done.slot}.`);
}

function severalServers(names: readonly string[]): PitcrewError {
  return new PitcrewError('E_USAGE', 'several databases are named', {
    detail: `A stream is of one server; the config names ${names.join(', ')}.`,
    hint: 'Say which one: --database NAME.',
  });
}

function parseSlot(name: string): string {
  if (/^[a-z0-9_]{1,63}$/.test(name)) return name;
  throw new InvalidArgumentError('Give small letters, digits and underscores.');
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Give seconds, from 0.1 to 86400.');
}
