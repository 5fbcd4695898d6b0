import { BlockList, isIP } from 'node:net';
import os from 'node:os';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * True when a host of a connection string is this machine: a socket's folder, no host, loopback, our host name, or an
 * address of one of our interfaces. A loopback address can also be a tunnel; that cannot be told from here.
 */
export function isLocalAddress(host: string | null | undefined): boolean {
  const name = (host ?? '')
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1');
  if (name === '' || name.startsWith('/') || name.startsWith('@')) return true;
  if (name === 'localhost' || name.endsWith('.localhost') || name === os.hostname().toLowerCase()) return true;
  const address = name.replace(/%.*$/, '');
  const family = isIP(address);
  if (family === 0) return false;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address)?.[1];
  if (mapped) return isLocalAddress(mapped);
  if (loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')) return true;
  const own = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.some((other) => other.address.replace(/%.*$/, '') === address);
}
