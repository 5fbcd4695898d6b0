import { PitcrewError } from '../../../errors.ts';
import type { HostAddress } from '../host.ts';
import type { PoolOptions } from '../options.ts';
import type { HostSource } from '../topology/index.ts';

const defaultPort = 5432;

/** The hosts of the options, or the connection's own one. Throws `E_CONFIG` for what is not `host` or `host:port`. */
export function hostSource(hosts: PoolOptions['hosts'], own: HostAddress): HostSource {
  if (hosts === undefined) return [own];
  if (typeof hosts === 'function') return async () => (await hosts()).map((text) => parseHost(text, own.port));
  if ('dns' in hosts) return { dns: hosts.dns, port: hosts.port ?? own.port };
  if (hosts.length === 0) throw new PitcrewError('E_CONFIG', 'pool option hosts is empty');
  return hosts.map((text) => parseHost(text, own.port));
}

/** `host`, `host:port`, `[::1]:port`; the port is the connection's by default. */
function parseHost(text: string, port = defaultPort): HostAddress {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text.trim());
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) {
    throw new PitcrewError('E_CONFIG', `pool option hosts has an unusable entry: ${JSON.stringify(text)}`, {
      hint: 'Give host or host:port, for example db-1.internal:5432 or [::1]:5432.',
    });
  }
  return { host, port: match?.[3] === undefined ? port : Number(match[3]) };
}
