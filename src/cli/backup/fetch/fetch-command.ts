import { Command, Option } from 'commander';
import { PitcrewError } from '../../../errors.ts';
import { note } from '../../output.ts';
import { withRepository } from '../repository.ts';
import { placesOf, type RepositoryFlags } from '../server-settings.ts';
import { wantedSegment } from './spool.ts';

/** What PostgreSQL's `restore_command` runs, for what is not laid out yet. */
export function fetchCommand(): Command {
  const command = new Command('fetch-wal')
    .description("Put a file of the log where PostgreSQL wants it: what a restored server's restore_command runs.")
    .argument('<name>', 'its name')
    .argument('<path>', 'where to')
    .addOption(new Option('--ahead').hideHelp());
  return withRepository(command).action(async (name: string, path: string) => {
    const { fetchWal, notInRepository, openLog } = await import('../../../ops/backup/fetch/index.ts');
    const { beginAhead, fillAhead } = await import('./ahead.ts');
    const { ahead = false, ...flags } = command.opts<RepositoryFlags & { ahead?: boolean }>();
    const [settings] = (await placesOf(flags)).repositories;
    if (!settings) throw new PitcrewError('E_USAGE', 'no repository is given');
    const repository = await openLog(settings, note);
    const words = process.argv.slice(2);
    if (ahead) {
      const wanted = wantedSegment(words.slice(0, -1));
      if (wanted) await fillAhead(repository, wanted);
      return;
    }
    const isThere = await fetchWal(repository, name, path);
    const wanted = wantedSegment(words);
    if (isThere && wanted) await beginAhead(repository, wanted, words);
    process.exitCode = isThere ? 0 : notInRepository;
  });
}
