import { join } from 'node:path';
import type { LoadedConfig } from '../config/index.ts';
import { type BackupLogger, type BackupService, createBackupService } from '../ops/backup/index.ts';
import type { ConnectionState, DatabaseMonitor } from '../ops/monitor/index.ts';
import type { Store } from '../ops/store/index.ts';
import { packageVersion } from './version.ts';

export interface BackupsOptions {
  config: LoadedConfig['config'];
  monitors: readonly DatabaseMonitor[];
  store: Store;
  logger: BackupLogger;
}

/** Begins to look after the backups of every database that the settings have backups of. */
export function startBackups({ config, monitors, store, logger }: BackupsOptions): BackupService[] {
  return monitors.flatMap((monitor) => {
    const { name } = monitor;
    const settings = config.backups[name];
    if (!settings) return [];
    return createBackupService({
      name,
      url: settings.url ?? config.databases[name] ?? '',
      settings,
      store,
      logger,
      madeBy: `pitcrew ${packageVersion()}`,
      drillDir: join(config.dataDir, 'drills'),
      spoolDir: join(config.dataDir, 'stream'),
      isOwner: ownershipOf(monitor),
    });
  });
}

/**
 * Whether this daemon looks after the database: while another writes its history, that one does. While the server cannot be reached it stays as it
 * was, so that what fails then is written down; before it was reached for the first time nobody else is known to.
 */
function ownershipOf(monitor: DatabaseMonitor): () => boolean {
  let last: ConnectionState = 'connecting';
  return () => {
    const { connection } = monitor.status();
    if (connection === 'watching' || connection === 'standby-daemon') last = connection;
    else if (last === 'connecting' && connection !== 'connecting') return true;
    return last === 'watching';
  };
}
