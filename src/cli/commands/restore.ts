import { Command, InvalidArgumentError } from 'commander';
import { resolve } from 'node:path';
import { PitcrewError } from '../../errors.ts';
import type { Repository } from '../../ops/backup/index.ts';
import { progressTexts } from '../backup/progress-text.ts';
import { openByFlags, type RepositoryFlags, withRepository } from '../backup/repository.ts';
import { planDocument, problemDocument, startedDocument } from '../backup/restore-document.ts';
import { type StartFlags, startPlanned, startPrograms } from '../backup/restore-start.ts';
import { type TargetFlags, targetOf, withTarget } from '../backup/restore-target.ts';
import { confirm } from '../confirm.ts';
import { placesOf, wordsOf } from '../backup/server-settings.ts';
import { collect } from '../collect.ts';
import { note, print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { planLines, startedLines, unstoredLines } from '../screen/restore-screen.ts';
import { interruptible } from '../signals.ts';

interface RestoreFlags extends RepositoryFlags, TargetFlags, StartFlags {
  to: string;
  tablespaceMap?: string[];
  delta?: boolean;
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
  quiet?: boolean;
}

export function restoreCommand(): Command {
  const command = new Command('restore')
    .description(
      'Put a backup into an empty folder, ready to be started: it then recovers to the end of the log, or to a moment. Says first what it is going to do.',
    )
    .argument('<backup>', 'its name, or "latest": the latest that ends before the target');
  return withTarget(
    withRepository(command).requiredOption('--to <folder>', 'the new data directory; missing, or empty'),
  )
    .option('--tablespace-map <old=new>', 'put a tablespace elsewhere; can be repeated', collect, [])
    .option(
      '--delta',
      'use what is intact in a data directory of the same cluster; all else in it is replaced or removed',
    )
    .option('--start', 'start PostgreSQL there, and wait until it has recovered')
    .option('--bin <folder>', 'where its programs are, with --start (default: looked for)')
    .option('--port <number>', 'its port, with --start (default: as in its settings)', parsePort)
    .option('--dry-run', 'show what would be done, and what speaks against it; write nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'one JSON document on stdout')
    .option('--quiet', 'no progress on stderr')
    .option('--no-color', 'no colours')
    .action(async (name: string) => {
      const flags = command.opts<RestoreFlags>();
      const target = targetOf(flags);
      const repository = await openByFlags(flags);
      await interruptible((signal) => restore(repository, name, { flags, target, signal }));
    });
}

interface Work {
  flags: RestoreFlags;
  target: ReturnType<typeof targetOf>;
  signal: AbortSignal;
}

async function restore(repository: Repository, name: string, { flags, target, signal }: Work): Promise<void> {
  const backups = await import('../../ops/backup/index.ts');
  const { serverIdentity } = await import('../../ops/embedded/index.ts');
  const backup = name === 'latest' ? await backups.chooseBackup(repository, target) : await repository.backup(name);
  const to = resolve(flags.to);
  const owner = serverIdentity(to);
  const tablespaceMap = tablespaceMapOf(flags.tablespaceMap ?? []);
  const delta = flags.delta ?? false;
  const restoreWords = await fetchWords(flags);
  const { plan, obstacles } = await backups.planRestore({ repository, backup, to, target, tablespaceMap });
  const start = await startPrograms(flags, backup, owner);
  const problems = [
    ...obstacles,
    ...(await backups.preflight({ repository, plan, delta, restoreCommand: restoreWords, owner, known: obstacles })),
    ...(start instanceof PitcrewError ? [start] : []),
  ];
  const refusal = backups.asOneError(problems);
  signal.throwIfAborted();
  const isInPlace = delta && !(await backups.isVacant(to));
  // It goes with the folder.
  const unstored = isInPlace ? await backups.unstoredLog(repository, to, backup.segmentBytes) : [];
  const lines = [...planLines(plan, backups.missingText), ...unstoredLines(unstored)].join('\n');
  if (flags.dryRun && flags.json) {
    printJson({
      ...planDocument(plan),
      owner: owner?.name ?? null,
      unstoredLog: unstored,
      problems: problems.map(problemDocument),
    });
    process.exitCode = refusal?.exitCode ?? 0;
    return;
  }
  if (flags.dryRun) print(lines);
  else if (!flags.quiet) note(lines);
  if (refusal) throw refusal;
  if (flags.dryRun) return;
  if (isInPlace && !flags.yes && !(await confirm(async () => `Change ${to}, and remove what is not in the backup?`))) {
    throw new PitcrewError('E_ABORTED', 'nothing was changed');
  }
  const progress = progressLine(flags.quiet ?? false);
  const texts = { comparing: progressTexts('Comparing'), copying: progressTexts('Restoring') };
  const { kept } = await backups
    .restoreBackup({
      repository,
      backup,
      to,
      delta,
      target,
      tablespaceMap,
      restoreCommand: restoreWords,
      owner,
      signal,
      onProgress: ({ phase, doneBytes, totalBytes }) => progress.show(texts[phase](doneBytes, totalBytes)),
    })
    .catch((error: unknown) => {
      progress.end(
        isInPlace ? 'Stopped half-way: PostgreSQL does not start it; --delta goes on.' : 'Nothing was put in place.',
      );
      throw error;
    });
  progress.end(`Every file is as PostgreSQL's manifest says.`);
  const user = owner ? ` as ${owner.name}` : '';
  const done = { backup: backup.id, to, owner: owner?.name ?? null, kept, plan: planDocument(plan) };
  if (!start || start instanceof PitcrewError) {
    if (flags.json) printJson(done);
    else print(`${backup.id} is in ${to}. Start PostgreSQL there${user}: it fetches the log and recovers by itself.`);
    return;
  }
  const started = await startPlanned(start, { plan, owner, flags, signal });
  if (flags.json) printJson({ ...done, started: startedDocument(started) });
  else print([`${backup.id} is in ${to}.`, ...startedLines(started, to)].join('\n'));
}

/** The command line by which the restored server fetches its log. */
async function fetchWords(flags: RestoreFlags): Promise<string[]> {
  const program = [process.execPath, resolve(process.argv[1] ?? '')];
  return [...program, 'backup', 'fetch-wal', ...wordsOf(await placesOf(flags), flags)];
}

/** As of pg_basebackup: of two paths, an equals sign in one of them is written as `\\=`. */
function tablespaceMapOf(pairs: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (const pair of pairs) {
    const [, from, to] = /^((?:\\=|\\(?!=)|[^=\\])+)=((?:\\=|\\(?!=)|[^=\\])+)$/.exec(pair) ?? [];
    if (from === undefined || to === undefined)
      throw new PitcrewError('E_USAGE', `--tablespace-map is OLD=NEW, not ${JSON.stringify(pair)}`, {
        hint: 'Write \\= for an equals sign in one of them.',
      });
    const [old, place] = [from, to].map((path) => path.replaceAll('\\=', '=')) as [string, string];
    if (map.has(old)) throw new PitcrewError('E_USAGE', `--tablespace-map has ${old} twice`);
    map.set(old, place);
  }
  return map;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isSafeInteger(port) && port > 0 && port < 65_536) return port;
  throw new InvalidArgumentError('Give a port, from 1 to 65535.');
}
