import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { installWithApt } from '../../../test/support/programs.ts';
import { type EmbeddedServer, startServer } from '../../../src/ops/embedded/index.ts';
import { makeData } from './data.ts';

const binDir = '/usr/lib/postgresql/15/bin';
export const binaries = { binDir };

/** Commits wait for the disk, as in production. Vacuum and checkpoints that come by themselves would fall on one subject only. */
export const settings: Record<string, string> = {
  shared_buffers: '512MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  max_connections: '60',
};

/** How the data gets in: nothing waits for the disk, and next to no log is written. */
const loading = {
  fsync: 'off',
  wal_level: 'minimal',
  max_wal_senders: '0',
  synchronous_commit: 'off',
  maintenance_work_mem: '512MB',
};

/** Where `archiveCommand` is run only while this file is there: so that the log of other subjects' turns costs pgbackrest nothing. */
export const archivingFile = (folder: string): string => join(folder, 'archiving');

/** A PostgreSQL 15 with the data, below a folder. @throws when there is none on this machine and none can be installed */
export async function startSource(folder: string, scale: number, archiveCommand: string): Promise<EmbeddedServer> {
  if (!existsSync(join(binDir, 'postgres'))) {
    const reason = installWithApt('postgresql-15');
    if (!existsSync(join(binDir, 'postgres'))) throw new Error(`PostgreSQL 15 is not installed, and ${reason}`);
  }
  const dataDir = join(folder, 'source');
  const loader = await startServer({ dataDir, binaries, settings: { ...settings, ...loading } });
  try {
    await makeData(loader.url(), scale);
  } finally {
    await loader.stop();
  }
  return startServer({
    dataDir,
    binaries,
    settings: {
      ...settings,
      wal_level: 'replica',
      archive_mode: 'on',
      archive_command: `if [ -e ${archivingFile(folder)} ]; then ${archiveCommand}; fi`,
    },
  });
}

export const postmasterOf = ({ dataDir }: EmbeddedServer): number =>
  Number(readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);

export async function query<Row extends object>(url: string, text: string): Promise<Row[]> {
  const client = new Client(url);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}
