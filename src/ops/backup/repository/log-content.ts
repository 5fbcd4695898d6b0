import type { Buffer } from 'node:buffer';
import type { Identities } from '../age/index.ts';
import type { Storage } from '../storage/index.ts';
import { decode } from './encode.ts';
import { walKey } from './layout.ts';
import { named } from './named.ts';

/** What reads the log of a repository. */
export interface LogContent {
  hasWal(name: string): Promise<boolean>;
  /** The content of a segment or history, of which each piece is the reader's only until the next is asked for; `undefined` when it is not there. */
  readWal(name: string): Promise<AsyncIterable<Buffer> | undefined>;
}

/** `identities`: asked for where something is encrypted only. */
export function logContent(storage: Storage, identities: () => Promise<Identities>): LogContent {
  /** Recipients may have come or gone since it was stored. */
  async function find(name: string): Promise<{ key: string; encrypted: boolean } | undefined> {
    for (const encrypted of [true, false]) {
      const key = walKey(name, { encrypted });
      if (await storage.head(key)) return { key, encrypted };
    }
    return undefined;
  }

  return {
    hasWal: async (name) => (await find(name)) !== undefined,
    async readWal(name) {
      const found = await find(name);
      if (!found) return undefined;
      const { key, encrypted } = found;
      return named(key, decode(storage.get(key), { encrypted, identities, reuse: true }));
    },
  };
}
