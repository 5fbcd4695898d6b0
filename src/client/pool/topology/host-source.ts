import { lookup } from 'node:dns/promises';
import type { HostAddress } from '../host.ts';
import type { ProbeConfig } from './probe-connection.ts';
import type { HostSource } from './types.ts';

/** The hosts of now. @throws whatever the name's resolution or the function throws. */
export async function findHosts(source: HostSource): Promise<readonly HostAddress[]> {
  if (typeof source === 'function') return source();
  if (!('dns' in source)) return source;
  const addresses = await lookup(source.dns, { all: true });
  return addresses.map(({ address }) => ({ host: address, port: source.port }));
}

/** A list that stays as it is. */
export function isStatic(source: HostSource): source is readonly HostAddress[] {
  return Array.isArray(source);
}

/** Certificates name what was asked of DNS, not the addresses behind it. */
export function withServerName<Config extends ProbeConfig>(config: Config, source: HostSource): Config {
  const { ssl } = config;
  if (!ssl || isStatic(source) || typeof source === 'function') return config;
  const own = ssl === true ? {} : ssl;
  // The key is not enumerable, so that it is not logged.
  return { ...config, ssl: { servername: source.dns, ...own, ...(own.key === undefined ? {} : { key: own.key }) } };
}
