import { Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { PitcrewError } from '../../errors.ts';
import { lsnOf } from '../../engine/postgres/replication/index.ts';
import type { RecoveryTarget } from '../../ops/backup/index.ts';
import { progressTexts } from '../backup/progress-text.ts';
import { backupByName, openByFlags, type RepositoryFlags, withRepository } from '../backup/repository.ts';
import { placesOf, wordsOf } from '../backup/server-settings.ts';
import { collect } from '../optimize/options.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { interruptible } from '../signals.ts';

interface RestoreFlags extends RepositoryFlags {
  to: string;
  targetTime?: string;
  targetLsn?: bigint;
  targetXid?: string;
  targetName?: string;
  immediate?: boolean;
  timeline?: RecoveryTarget['timeline'];
  tablespaceMap?: string[];
  json?: boolean;
  quiet?: boolean;
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Put a backup into an empty folder, ready to be started: it then recovers to the end of the log, or to a moment.',
    )
    .argument('<backup>', 'its name, or "latest"');
  return withRepository(command)
    .requiredOption('--to <folder>', 'the new data directory; missing, or empty')
    .option('--target-time <time>', 'recover to this moment, such as 2026-11-30T02:15:00Z', parseMoment)
    .option('--target-lsn <lsn>', 'recover to this position of the log, such as 16/B374D848', parseLsn)
    .option('--target-xid <xid>', 'recover to this transaction', parseXid)
    .option('--target-name <name>', 'recover to this point, made with pg_create_restore_point')
    .option('--immediate', 'recover to the end of the backup, as early as possible')
    .option('--timeline <number>', 'follow this timeline (default: the latest)', parseTimeline)
    .option('--tablespace-map <old=new>', 'put a tablespace elsewhere; can be repeated', collect, [])
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours')
    .action(async (name: string) => {
      const flags = command.opts<RestoreFlags>();
      const repository = await openByFlags(flags);
      const backup = await backupByName(repository, name);
      const target = targetOf(flags);
      if (target.time && new Date(target.time) < backup.endedAt) throw tooEarly(target.time, backup.endedAt);
      if (target.lsn !== undefined && target.lsn < backup.endLsn) throw tooEarly(flags.targetLsn, backup.endLsn);
      const { restoreBackup } = await import('../../ops/backup/index.ts');
      const { serverIdentity } = await import('../../ops/embedded/index.ts');
      const to = resolve(flags.to);
      const owner = serverIdentity(to);
      const progress = progressLine(flags.quiet ?? false);
      const text = progressTexts('Restoring');
      await interruptible(async (signal) => {
        await restoreBackup({
          repository,
          backup,
          to,
          target,
          tablespaceMap: tablespaceMapOf(flags.tablespaceMap ?? []),
          restoreCommand: await fetchWords(flags),
          owner,
          signal,
          onProgress: ({ doneBytes, totalBytes }) => progress.show(text(doneBytes, totalBytes)),
        });
        progress.end(`Every file is as PostgreSQL's manifest says.`);
        const user = owner ? ` as ${owner.name}` : '';
        if (flags.json) printJson({ backup: backup.id, to, owner: owner?.name ?? null });
        else
          print(`${backup.id} is in ${to}. Start PostgreSQL there${user}: it fetches the log and recovers by itself.`);
      });
    });
}

/** The command line by which the restored server fetches its log. */
async function fetchWords(flags: RestoreFlags): Promise<string[]> {
  const program = [process.execPath, resolve(process.argv[1] ?? '')];
  return [...program, 'backup', 'fetch-wal', ...wordsOf(await placesOf(flags), flags)];
}

function targetOf({ targetTime, targetLsn, targetXid, targetName, immediate, timeline }: RestoreFlags): RecoveryTarget {
  const given = [targetTime, targetLsn, targetXid, targetName, immediate].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw new PitcrewError('E_USAGE', 'several targets are named', {
      hint: 'Give one of --target-time, --target-lsn, --target-xid, --target-name and --immediate.',
    });
  }
  return { time: targetTime, lsn: targetLsn, xid: targetXid, name: targetName, immediate, timeline };
}

function tooEarly(target: unknown, end: unknown): PitcrewError {
  const text = (value: unknown): string => (value instanceof Date ? value.toISOString() : String(value));
  return new PitcrewError('E_USAGE', 'the target is before the end of the backup', {
    detail: `It is ${text(target)}; the backup is usable from ${text(end)} on.`,
    hint: 'Restore an earlier backup: "pitcrew backup list".',
  });
}

function tablespaceMapOf(pairs: readonly string[]): Map<string, string> {
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new PitcrewError('E_USAGE', `--tablespace-map is OLD=NEW, not ${JSON.stringify(pair)}`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function parseMoment(text: string): string {
  const at = new Date(text);
  // Without a zone it would be another moment on another machine.
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d{2}:?\d{2})$/i.test(text)) {
    throw new InvalidArgumentError(
      'Give a time with its zone, such as 2026-11-30T02:15:00Z or 2026-11-30T03:15:00+01:00.',
    );
  }
  return text;
}

function parseLsn(text: string): bigint {
  const lsn = lsnOf(text);
  if (lsn === undefined) throw new InvalidArgumentError('Give a position such as 16/B374D848.');
  return lsn;
}

function parseXid(text: string): string {
  if (!/^\d{1,20}$/.test(text)) throw new InvalidArgumentError('Give a number.');
  return text;
}

function parseTimeline(text: string): RecoveryTarget['timeline'] {
  if (text === 'latest' || text === 'current') return text;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('Give a number, "latest" or "current".');
}
