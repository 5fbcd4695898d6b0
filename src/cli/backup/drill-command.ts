import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';
import type { BackupRecord, Drilled, DrillMoment, DrillProgress, Repository } from '../../ops/backup/index.ts';
import { counted } from '../../ops/words/index.ts';
import { collect } from '../collect.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { drillLines } from '../screen/drill-screen.ts';
import { interruptible } from '../signals.ts';
import { drillDocument } from './document.ts';
import { progressTexts } from './progress-text.ts';
import { backupByName, openByFlags, type RepositoryFlags, withRepository } from './repository.ts';
import { targetOf, type TargetFlags, withTarget } from './restore-target.ts';

interface DrillFlags extends RepositoryFlags, TargetFlags {
  count?: number;
  in?: string;
  bin?: string;
  random?: boolean;
  seed?: string;
  check: string[];
  checkIn?: string;
  deep?: boolean;
  checkLimit: number;
  recoveryLimit: number;
  preload: string[];
  keep?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function drillCommand(): Command {
  const command = new Command('drill')
    .description(
      'Restore a backup into a scratch server, recover, and read everything in it. Exit code 1 when something is wrong with it.',
    )
    .argument('[backup...]', 'names, or "latest" (default: the latest)');
  withTarget(withRepository(command))
    .option('--count <number>', 'drill so many, those first that have not been proven for the longest', parseCount)
    .option('--in <folder>', 'where the scratch server is made (default: the folder for temporary files)')
    .option('--bin <folder>', "where PostgreSQL's programs of the backup's version are (default: looked for)")
    .option('--random', 'recover to any position that can be reached')
    .option('--seed <text>', 'with --random: the one that was drawn with it before')
    .option('--check <select>', 'has to return no row, or one that is true; can be repeated', collect, [])
    .option('--check-in <database>', 'where --check is run (default: the only database besides "postgres")')
    .option('--deep', 'look for every row of a table in its indexes as well')
    .addOption(spanOption('--check-limit <duration>', 'so long the checks may take', '1h'))
    .addOption(spanOption('--recovery-limit <duration>', 'so long the recovery may take', '1d'))
    .option('--preload <library>', 'let the scratch server load it at its start; can be repeated', collect, [])
    .option('--keep', 'leave the scratch server running, and say how to reach and remove it')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours');
  return command.action(async (names: string[]) => {
    const flags = command.opts<DrillFlags>();
    const repository = await openByFlags(flags);
    const moment = momentOf(flags);
    const backups = await chosen(repository, names, flags.count);
    const { drill } = await import('../../ops/backup/index.ts');
    const drilled: Drilled[] = [];
    await interruptible(async (signal) => {
      for (const backup of backups) {
        const progress = progressLine(flags.quiet ?? false);
        const text = phaseTexts();
        const one = await drill({
          repository,
          backup,
          in: flags.in,
          binDir: flags.bin,
          moment,
          ownChecks: flags.check.map((sql) => ({ sql, database: flags.checkIn })),
          deep: flags.deep ?? false,
          checkLimitMs: flags.checkLimit,
          recoveryLimitMs: flags.recoveryLimit,
          preload: flags.preload,
          keep: flags.keep ?? false,
          signal,
          onProgress: (at) => progress.show(text(at)),
        });
        progress.end(`${backup.id}: done.`);
        drilled.push(one);
        if (!flags.json) print(drillLines(one).join('\n'));
      }
      if (flags.json) printJson({ drills: drilled.map(documentOf) });
      if (drilled.some(({ record }) => !record.proven)) process.exitCode = 1;
    });
  });
}

function documentOf({ record, kept, notKept }: Drilled): object {
  return { ...drillDocument(record), kept: kept ?? null, notKept: notKept ?? null };
}

async function chosen(repository: Repository, names: string[], count: number | undefined): Promise<BackupRecord[]> {
  if (count === undefined) {
    const wanted = names.length === 0 ? ['latest'] : names;
    return Promise.all(wanted.map((name) => backupByName(repository, name)));
  }
  if (names.length > 0) {
    throw new PitcrewError('E_USAGE', '--count chooses backups by itself', { hint: 'Give names, or --count.' });
  }
  const { longestUnproven, readDrills } = await import('../../ops/backup/index.ts');
  return longestUnproven(await repository.backups(), await readDrills(repository), count);
}

function momentOf(flags: DrillFlags): DrillMoment {
  const target = targetOf(flags);
  const isGiven = Object.values(target).some((value) => value !== undefined);
  if (isGiven && flags.random) throw new PitcrewError('E_USAGE', '--random chooses the moment by itself');
  if (flags.targetAction !== undefined) throw new PitcrewError('E_USAGE', 'a drill opens its server at the target');
  if (flags.random || flags.seed !== undefined) return { kind: 'random', seed: flags.seed };
  return isGiven ? { kind: 'given', target } : { kind: 'end' };
}

function phaseTexts(): (progress: DrillProgress) => string {
  const restoring = progressTexts('Restoring');
  return ({ phase, done, total, at }) => {
    if (phase === 'restoring') return restoring(done, total);
    if (phase === 'recovering')
      return `Recovering: ${counted(done, 'file')} of log${at === undefined ? '' : `, ${at}`}`;
    return `Checking ${at}: ${done} of ${total} tables and indexes`;
  };
}

function spanOption(flags: string, description: string, usual: string): Option {
  return new Option(flags, description).argParser(parseSpan).default(parseSpan(usual), usual);
}

function parseSpan(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new InvalidArgumentError('Give a time such as 30min or 4h.');
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Give a whole number, 1 at least.');
}
