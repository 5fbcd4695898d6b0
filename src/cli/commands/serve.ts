import { Command } from 'commander';
import { formatDuration } from '../../config/index.ts';
import { note, paint } from '../output.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { keepHeapSmall } from '../small-heap.ts';

export function serveCommand(): Command {
  const command = new Command('serve').description(
    'Watch the databases: history, health, dashboard and API, until interrupted.',
  );
  return withCommonOptions(command, () => true).action(async () => {
    keepHeapSmall();
    const loaded = await loadSettings(command);
    const databases = requireDatabases(loaded);
    const { runUntilSignal } = await import('../signals.ts');
    const { startDaemon } = await import('../daemon.ts');
    const quiet = Boolean(command.opts().quiet);
    await runUntilSignal(async (signal) => {
      const daemon = await startDaemon({ config: loaded.config, signal });
      if (!quiet) {
        const names = databases.map(([name]) => name).join(', ');
        const { raw, hour } = loaded.config.store.retention;
        note(
          `Watching ${names}; history in ${daemon.storeAddress} (samples for ${formatDuration(raw)}, hours for ${formatDuration(hour)}).`,
        );
        note(`Dashboard: ${paint('bold', daemon.url, process.stderr)}`);
      }
      return daemon;
    });
  });
}
