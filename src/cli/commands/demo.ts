import { join } from 'node:path';
import { Command } from 'commander';
import { demoBackups } from '../demo-backups.ts';
import { note, paint } from '../output.ts';
import { loadSettings, withCommonOptions } from '../options.ts';
import { keepHeapSmall } from '../small-heap.ts';

export function demoCommand(): Command {
  const command = new Command('demo').description(
    'Show Pitcrew on a sample shop: an embedded primary and replica under load, watched.',
  );
  return withCommonOptions(command, ({ path }) => path[0] !== 'databases').action(async () => {
    keepHeapSmall();
    const { config } = await loadSettings(command);
    // The demo talks to a person; what a daemon logs would drown that, unless it is asked for.
    if (command.opts().logLevel === undefined && !process.env.PITCREW_LOG_LEVEL) config.log.level = 'warn';
    const { runUntilSignal } = await import('../signals.ts');
    const { startDaemon } = await import('../daemon.ts');
    const { startDemo } = await import('../../ops/demo/index.ts');
    const quiet = Boolean(command.opts().quiet);
    const say = (text: string): void => {
      if (!quiet) note(text);
    };
    await runUntilSignal(async (signal) => {
      const demo = await startDemo({ dataDir: join(config.dataDir, 'demo'), onProgress: say, signal });
      try {
        // Its caches, tables and backups are the demo's own.
        const actions = { ...config.actions, cache: true, advice: true, backups: true };
        const databases = { shop: demo.primaryUrl, replica: demo.replicaUrl };
        const backups = { shop: demoBackups(demo) };
        const daemon = await startDaemon({ config: { ...config, databases, actions, backups }, signal });
        const { token } = config.server;
        const names = { primary: 'shop', replica: 'replica' };
        const shop = demo.open({ url: daemon.url, token, databases: names });
        say(`Dashboard: ${paint('bold', daemon.url, process.stderr)}   (Ctrl-C stops everything)`);
        return {
          async stop() {
            // Its services send their last reports.
            await shop.stop();
            await daemon.stop();
            await demo.stop();
          },
        };
      } catch (error) {
        await demo.stop();
        throw error;
      }
    });
  });
}
