import { session } from './catalog.ts';
import { type ScratchServer, scratchServer } from './postgres.ts';

/** What a server does by itself, it does not do while a test runs, however long that takes. */
const settings = {
  wal_level: 'replica',
  full_page_writes: 'on',
  autovacuum: 'off',
  checkpoint_timeout: '1d',
  max_wal_size: '1GB',
};

export interface BackupServerOptions {
  /** Databases can be made from template1; without it there is only the database `postgres`, a third of the files. */
  hasTemplate?: boolean;
}

/** A server of the test's own that is backed up; removed when the scope ends (`await using`). */
export async function backupServer(
  major = 18,
  more: Record<string, string> = {},
  { hasTemplate = false }: BackupServerOptions = {},
): Promise<ScratchServer> {
  const server = await scratchServer(major, { ...settings, ...more });
  await using client = await session(server.url());
  for (const name of hasTemplate ? ['template0'] : ['template0', 'template1']) {
    await client.query(`ALTER DATABASE ${name} IS_TEMPLATE false`);
    await client.query(`DROP DATABASE ${name}`);
  }
  return server;
}
