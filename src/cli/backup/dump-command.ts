import { Command } from 'commander';
import { resolve } from 'node:path';
import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { DumpRecord, Repository } from '../../ops/backup/index.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { dumpList } from '../screen/dump-screen.ts';
import { formatBytes } from '../screen/format.ts';
import { interruptible } from '../signals.ts';
import { packageVersion } from '../version.ts';
import { copiedLine, copyToEach } from './copying.ts';
import { openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

export interface DumpFlags {
  dumpDatabase: string[];
  table: string[];
  json?: boolean;
  quiet?: boolean;
}

/** What `backup create --logical` does: one dump of each database, one after the other; then other repositories get what they lack. */
export async function createDumps(
  url: string,
  [repository, ...others]: readonly [Repository, ...Repository[]],
  { dumpDatabase, table, json, quiet = false }: DumpFlags,
): Promise<void> {
  const { createDump } = await import('../../ops/backup/index.ts');
  const progress = progressLine(quiet);
  await interruptible(async (signal) => {
    const dumps: DumpRecord[] = [];
    for (const database of dumpDatabase.length === 0 ? [undefined] : dumpDatabase) {
      const dump = await createDump({
        url,
        repository,
        database,
        tables: table,
        madeBy: `pitcrew ${packageVersion()}`,
        signal,
        onBytes: (done) => progress.show(`Dumping: ${formatBytes(done)}`),
      });
      progress.end(`${dump.id} is in ${repository.name}.`);
      dumps.push(dump);
    }
    const copies = await copyToEach(repository, others, { quiet, signal });
    if (json) printJson({ dumps: dumps.map(dumpDocument), copies });
    else print([dumpList(dumps), ...copies.map(copiedLine)].join('\n'));
    if (copies.some(({ error }) => error !== null)) process.exitCode = 1;
  });
}

/** A dump for `--json`. */
export function dumpDocument(dump: DumpRecord): object {
  return { ...dump, lsn: lsnText(dump.lsn) };
}

export function fetchDumpCommand(): Command {
  const command = new Command('fetch')
    .description('Write a logical backup out, as pg_dump made it: for pg_restore.')
    .argument('<dump>', 'its name');
  return withRepository(command)
    .requiredOption('--to <file>', 'the new file; nothing that is there is overwritten')
    .option('--json', 'one JSON document on stdout')
    .option('--no-color', 'no colours')
    .action(async (name: string) => {
      const flags = command.opts<RepositoryFlags & { to: string; json?: boolean }>();
      const repository = await openByFlags(flags);
      const { fetchDump } = await import('../../ops/backup/index.ts');
      await interruptible(async (signal) => {
        const to = resolve(flags.to);
        const bytes = await fetchDump(repository, name, to, signal);
        if (flags.json) printJson({ dump: name, to, bytes });
        else print(`${name} is in ${to}: ${formatBytes(bytes)}. "pg_restore --list" shows what it has.`);
      });
    });
}
