import { Command } from 'commander';
import { openByFlags, type RepositoryFlags, withRepository } from './repository.ts';

/** What PostgreSQL's `restore_command` runs. */
export function fetchCommand(): Command {
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
