import { afterAll, beforeAll } from 'vitest';
import { databaseOn, type ScratchServer, scratchServer, type TestDatabase } from './postgres.ts';

/**
 * Starts servers for this file alone. On one that files share, whoever begins to read changes waits for every transaction
 * that is under way there, and reads what all of them write.
 * @returns what makes a new database on one of them, dropped when the scope ends (`await using`)
 */
export function quietServers(...majors: number[]): (major?: number) => Promise<TestDatabase> {
  const servers = new Map<number, ScratchServer>();
  beforeAll(async () => {
    for (const major of majors) servers.set(major, await scratchServer(major));
  });
  afterAll(async () => {
    for (const server of servers.values()) await server.stop('immediate');
  });
  return async (major = 18) => {
    const server = servers.get(major);
    if (!server) throw new Error(`no PostgreSQL ${major} is started for this file`);
    return databaseOn(server.url());
  };
}
