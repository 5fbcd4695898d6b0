import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Storage } from '../../src/ops/backup/storage/types.ts';
import { collected, whole } from './streams.ts';

export const keysOf = async (storage: Storage, prefix = ''): Promise<string[]> =>
  (await collected(storage.list(prefix))).map(({ key }) => key);

export async function* of(...pieces: (string | Buffer)[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function* broken() {
  yield Buffer.alloc(1_000_000);
  throw new Error('the source broke');
}

/**
 * What every storage does.
 * @param open gives one that is empty
 * @param tellsWritersApart not where a service takes no note of a condition to write on
 */
export function describeStorage(name: string, open: () => Storage | Promise<Storage>, tellsWritersApart = true): void {
  describe(`a storage: ${name}`, () => {
    test('gives back what it was given, whole and in parts', async () => {
      const storage = await open();
      const bytes = randomBytes(700_000);
      expect(await storage.put('a/b/c.tar', of(bytes.subarray(0, 10), bytes.subarray(10)))).toBe(700_000);
      expect((await whole(storage.get('a/b/c.tar'))).equals(bytes)).toBe(true);
      await fc.assert(
        fc.asyncProperty(fc.nat(700_010), fc.nat(700_010), async (from, to) => {
          expect(
            (await whole(storage.get('a/b/c.tar', { from, to }))).equals(bytes.subarray(from, Math.max(from, to))),
          ).toBe(true);
        }),
        { numRuns: 20 },
      );
      expect((await whole(storage.get('a/b/c.tar', { from: 699_990 }))).equals(bytes.subarray(699_990))).toBe(true);
      const taken: Buffer[] = [];
      for await (const piece of storage.get('a/b/c.tar', { from: 5, to: 800_000, reuse: true }))
        taken.push(Buffer.from(piece));
      expect(Buffer.concat(taken).equals(bytes.subarray(5))).toBe(true);
      expect(await storage.head('a/b/c.tar')).toMatchObject({ key: 'a/b/c.tar', bytes: 700_000 });
      expect(await storage.put('a/b/c.tar', of('other'))).toBe(5);
      expect(String(await whole(storage.get('a/b/c.tar')))).toBe('other');
      expect(await storage.put('empty', of())).toBe(0);
      expect(await whole(storage.get('empty'))).toHaveLength(0);
      await storage.close();
    });

    test('lists by the bytes of the keys, below a prefix that may end anywhere', async () => {
      const storage = await open();
      // Files have the time of the system's last tick, objects that of the second before or after.
      const begun = Date.now() - 2000;
      expect(await keysOf(storage)).toEqual([]);
      const keys = ['a/b', 'a/b.c', 'a/b-c/d', 'a/bb/c', 'a.b', 'b', 'a/B', 'ab'];
      for (const key of keys) await storage.put(key, of(key));
      expect(await keysOf(storage)).toEqual(keys.toSorted((x, y) => (x < y ? -1 : 1)));
      for (const prefix of ['a', 'a/', 'a/b', 'a/b-', 'a/bb/', 'c', 'a/b/'])
        expect(await keysOf(storage, prefix)).toEqual(keys.toSorted().filter((key) => key.startsWith(prefix)));
      const [first] = await collected(storage.list('b'));
      expect(first?.modifiedAt.getTime()).toBeGreaterThan(begun);
      expect(first?.modifiedAt.getTime()).toBeLessThan(Date.now() + 1000);
      await storage.close();
    });

    test('what is not there is said, and may be deleted', async () => {
      const storage = await open();
      await expect(whole(storage.get('not/there'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      expect(await storage.head('not/there')).toBeUndefined();
      await storage.delete('not/there');
      await storage.put('is/there', of('x'));
      expect(await storage.head('is')).toBeUndefined();
      await storage.delete('is/there');
      await storage.delete('is/there');
      expect(await keysOf(storage)).toEqual([]);
      await storage.close();
    });

    test('of an unfinished object nothing is seen', async () => {
      const storage = await open();
      await storage.put('kept', of('before'));
      await expect(storage.put('kept', broken())).rejects.toThrow('the source broke');
      await expect(storage.put('new', broken())).rejects.toThrow('the source broke');
      const stop = new AbortController();
      const endless = async function* () {
        for (;;) {
          yield Buffer.alloc(100_000);
          await new Promise(setImmediate);
          stop.abort();
        }
      };
      await expect(storage.put('new', endless(), { signal: stop.signal })).rejects.toMatchObject({ code: 'E_ABORTED' });
      expect(await keysOf(storage)).toEqual(['kept']);
      expect(String(await whole(storage.get('kept')))).toBe('before');
      await storage.close();
    });

    const unless = tellsWritersApart ? '' : ' (not here: it takes no note of a condition to write on)';
    test.runIf(tellsWritersApart)(`of many who write a new object at once, one does${unless}`, async () => {
      const storage = await open();
      const writers = Array.from({ length: 10 }, (_each, number) =>
        storage.put('one/and/only', of(`by ${number}`), { onlyNew: true }).then(() => `by ${number}`),
      );
      const answers = await Promise.allSettled(writers);
      const done = answers.filter((answer) => answer.status === 'fulfilled');
      expect(done).toHaveLength(1);
      for (const answer of answers)
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'E_CONFLICT' });
      expect(String(await whole(storage.get('one/and/only')))).toBe(done[0]?.value);
      await storage.close();
    });

    test('objects come and go beside each other', async () => {
      const storage = await open();
      await Promise.all(
        Array.from({ length: 8 }, async (_each, writer) => {
          for (let turn = 0; turn < 10; turn += 1) {
            await storage.put(`shared/folder/${writer}`, of(`${turn}`));
            if (turn < 9) await storage.delete(`shared/folder/${writer}`);
          }
        }),
      );
      expect(await keysOf(storage)).toHaveLength(8);
      await storage.close();
    });

    test.each([
      '',
      '/',
      '/a',
      'a/',
      'a//b',
      '../a',
      'a/../b',
      '.',
      '.hidden',
      'a/.b',
      'a\0b',
      'a b',
      'ä',
      'a\\b',
      'a'.repeat(300),
    ])('%j is no key', async (key) => {
      const storage = await open();
      await expect(storage.put(key, of('x'))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
      await expect(whole(storage.get(key))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
      await expect(storage.head(key)).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
      await expect(storage.delete(key)).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
      await storage.close();
    });
  });
}
