import { everyDatabase, parseAddress, type StatementScope } from '../../engine/postgres/index.ts';

/** What a target reads of its server's statements. */
export interface TargetStatements {
  scope: StatementScope;
  /** How many targets read them on that server, and share what reading them may cost. */
  readers: number;
}

/**
 * pg_stat_statements speaks of the whole server, so where several targets are on one server each statement would be read,
 * kept and counted once per target. Instead the first target of a server reads its own database and all that no other
 * target names; every other one reads its own only.
 * @param databases URLs by the name of the target, in the order of the configuration.
 */
export function statementScopes(databases: Readonly<Record<string, string>>): Record<string, TargetStatements> {
  const targets = Object.entries(databases).map(([name, url]) => ({ name, ...placeOf(name, url) }));
  const servers = Map.groupBy(targets, ({ server }) => server);
  return Object.fromEntries(
    targets.map(({ name, server, database }): [string, TargetStatements] => {
      const together = servers.get(server) ?? [];
      const readers = together.length;
      if (together[0]?.name !== name) return [name, { scope: { databases: 'own' }, readers }];
      const others = new Set(together.map((other) => other.database));
      others.delete(database);
      return [name, { scope: others.size === 0 ? everyDatabase : { except: [...others] }, readers }];
    }),
  );
}

/**
 * The server by host and port. A socket and a TCP address may lead to one server, or not: they are taken as two, because
 * a statement counted twice is less bad than one that nobody counts.
 */
function placeOf(name: string, url: string): { server: string; database: string } {
  const address = parseAddress(url);
  if (!address) return { server: name, database: '' };
  const hosts = address.host
    .toLowerCase()
    .split(',')
    .map((host) => (loopback.test(host) ? 'localhost' : host));
  // Folders keep their case.
  const server = address.host.startsWith('/') ? address.host : hosts.join(',');
  return { server: `${server} ${address.port}`, database: address.database };
}

const loopback = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;
