import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readControlFile } from '../restore/control-file.ts';
import { neededSettings } from '../restore/needed-settings.ts';
import { recoverySettingNames } from '../restore/recovery-settings.ts';

/** What is around the data directory of a scratch server. */
export interface ScratchSettings {
  /** Words that the server is started with, behind its data directory. */
  args: string[];
  /** Folder of its socket: only whoever runs the server, and root, gets in. */
  socket: string;
  /** Libraries that the source loads at its start, and this server does not. */
  leftOut: string[];
}

export interface ScratchSettingsOptions {
  folder: string;
  dataDir: string;
  major: number;
  segmentBytes: number;
  owner: { uid: number; gid: number } | undefined;
  /** Libraries that are loaded after all. */
  preload: readonly string[];
}

/** A socket's path has to be shorter; `/.s.PGSQL.5432` stands behind that of the folder. */
export const longestSocketFolder = 90;
export const socketFolder = (folder: string): string => join(folder, 'socket');
const usualPrepared = 200;

/**
 * Gives a restored data directory settings of their own. None of the source's count, besides those of the recovery: the server can be reached through a socket in
 * a folder of its own and not over a network, connects to nobody, archives nothing, and runs no workers besides PostgreSQL's own. Without hot standby recovery asks
 * for no setting to be as large as the source's, except for room for prepared transactions.
 */
export async function writeScratchSettings(options: ScratchSettingsOptions): Promise<ScratchSettings> {
  const { folder, dataDir, owner, preload } = options;
  const socket = socketFolder(folder);
  await mkdir(socket, { mode: 0o700 });
  const own = async (path: string): Promise<void> => {
    if (owner) await chown(path, owner.uid, owner.gid);
  };
  await own(socket);
  const auto = join(dataDir, 'postgresql.auto.conf');
  const before = await readFile(auto, 'utf8');
  // In place: it stays the owner's.
  await writeFile(auto, linesOf(before, (name) => recoverySettingNames.includes(name)).join('\n') + '\n');
  const control = await readControlFile(dataDir);
  const prepared = Math.max(usualPrepared, Number(control?.settings?.['max_prepared_transactions'] ?? 0));
  const settings: Record<string, string> = {
    ...neededSettings(options),
    listen_addresses: '',
    unix_socket_directories: socket,
    unix_socket_permissions: '0700',
    port: '5432',
    hba_file: join(folder, 'pg_hba.conf'),
    ident_file: join(folder, 'pg_ident.conf'),
    hot_standby: 'off',
    max_prepared_transactions: String(prepared),
    max_connections: '20',
    max_wal_senders: '0',
    max_worker_processes: '4',
    max_logical_replication_workers: '0',
    wal_level: 'replica',
    archive_mode: 'off',
    autovacuum: 'off',
    shared_preload_libraries: preload.join(','),
    jit: 'off',
    ssl: 'off',
    logging_collector: 'off',
    log_destination: 'stderr',
    log_min_messages: 'warning',
    log_statement: 'none',
    log_timezone: 'UTC',
    timezone: 'UTC',
  };
  const files: [string, string][] = [
    [
      'postgresql.conf',
      Object.entries(settings)
        .map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`)
        .join(''),
    ],
    // The folder of the socket is what keeps others out.
    ['pg_hba.conf', 'local all all trust\n'],
    ['pg_ident.conf', ''],
  ];
  for (const [name, content] of files) {
    await writeFile(join(folder, name), content, { mode: 0o600 });
    await own(join(folder, name));
  }
  const conf = await readFile(join(dataDir, 'postgresql.conf'), 'utf8').catch(() => '');
  const loaded = librariesOf(before) ?? librariesOf(conf) ?? [];
  const leftOut = loaded.filter((library) => !preload.includes(library));
  return { args: ['-c', `config_file=${join(folder, 'postgresql.conf')}`], socket, leftOut };
}

const linesOf = (text: string, wanted: (name: string) => boolean): string[] =>
  text.split('\n').filter((line) => wanted((/^\s*(\w+)/.exec(line)?.[1] ?? '').toLowerCase()));

/** The last line counts. */
function librariesOf(conf: string): string[] | undefined {
  const line = linesOf(conf, (name) => name === 'shared_preload_libraries').at(-1);
  if (line === undefined) return undefined;
  const value = /^\s*\w+\s*=?\s*'([^']*)'/.exec(line)?.[1] ?? /^\s*\w+\s*=?\s*([\w.]+)/.exec(line)?.[1] ?? '';
  return value
    .split(',')
    .map((name) => name.trim().replaceAll('"', ''))
    .filter(Boolean);
}
