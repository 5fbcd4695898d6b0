import { createRequire } from 'node:module';
import { PitcrewError } from '../../../errors.ts';
import { type IoRedis, ioRedisLinks } from './ioredis.ts';
import type { OpenLink } from './link.ts';
import { type NodeRedis, nodeRedisLinks } from './node-redis.ts';
import type { RedisTierOptions } from './options.ts';

/**
 * How to open links to the Redis that is meant.
 * @throws `E_MISSING_PACKAGE` without the package `redis`, where it is needed; `E_CONFIG` for what is neither a client nor a URL
 */
export function linksTo({ client, url, options }: RedisTierOptions): OpenLink {
  if (client === undefined) return nodeRedisLinks(newClient(url, options));
  if (isIoRedis(client)) return ioRedisLinks(client);
  if (isNodeRedis(client)) return nodeRedisLinks(client);
  throw new PitcrewError('E_CONFIG', 'client is not one that is known', {
    hint: 'Give a client, cluster or sentinel of the package "redis" 6, or a client or cluster of "ioredis" 5.',
  });
}

/** A client that is never connected: it lends its settings. */
function newClient(url: string | undefined, options: object | undefined): NodeRedis {
  const { createClient } = loadPackage();
  try {
    return createClient({ ...options, ...(url === undefined ? {} : { url }) });
  } catch {
    // What was thrown has the URL in it, and with it the password.
    throw new PitcrewError('E_CONFIG', 'Redis cannot be reached by what was given', {
      hint: 'A URL is redis://user:password@host:6379/0, with special characters of the password percent-encoded.',
    });
  }
}

interface RedisPackage {
  createClient(options: object): NodeRedis;
}

function loadPackage(): RedisPackage {
  try {
    return createRequire(import.meta.url)('redis') as RedisPackage;
  } catch (cause) {
    throw new PitcrewError('E_MISSING_PACKAGE', 'the package "redis" is not installed', {
      detail: 'A Redis tier that is given a URL needs it; one that is given a client does not.',
      hint: 'npm install redis',
      cause,
    });
  }
}

function isIoRedis(client: object): client is IoRedis {
  return 'callBuffer' in client && typeof client.callBuffer === 'function';
}

function isNodeRedis(client: object): client is NodeRedis {
  return 'sendCommand' in client && 'subscribe' in client && 'connect' in client;
}
