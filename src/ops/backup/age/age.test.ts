import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import { findProgram } from '../../../../test/support/programs.ts';
import { inPieces, whole } from '../../../../test/support/streams.ts';
import { seal } from './seal.ts';
import { unseal } from './unseal.ts';

async function key() {
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

const chunk = 64 * 1024;
/** Around each length at which something changes. */
const lengths = [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 7];

test('what is sealed is unsealed, in pieces of any size', async () => {
  const { identity, recipient } = await key();
  const piece = fc.integer({ min: 1, max: 100_000 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...lengths), piece, piece, async (length, written, read) => {
      const plain = randomBytes(length);
      const sealed = await whole(seal(inPieces(plain, written), [recipient]));
      expect((await whole(unseal(inPieces(sealed, read), [identity]))).equals(plain)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('each of several recipients can read it, others cannot', async () => {
  const [a, b, c] = [await key(), await key(), await key()];
  const plain = randomBytes(1000);
  const sealed = await whole(seal(inPieces(plain, 100), [a.recipient, b.recipient]));
  for (const { identity } of [a, b])
    expect(await whole(unseal(inPieces(sealed, 50), [c.identity, identity]))).toEqual(plain);
  await expect(whole(unseal(inPieces(sealed, 50), [c.identity]))).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
});

test('whatever byte is changed, and wherever it ends, is seen', async () => {
  const { identity, recipient } = await key();
  const plain = randomBytes(2 * chunk + 100);
  const sealed = await whole(seal(inPieces(plain, 5000), [recipient]));
  await fc.assert(
    fc.asyncProperty(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ change;
      for (const bytes of [changed, sealed.subarray(0, at)]) {
        await expect(whole(unseal(inPieces(bytes, 70_000), [identity]))).rejects.toMatchObject({
          code: expect.stringMatching(/^E_BACKUP_(DAMAGED|KEY)$/),
        });
      }
    }),
    { numRuns: 100 },
  );
  const last = sealed.length - 116;
  const swapped = Buffer.concat([
    sealed.subarray(0, last - 2 * (chunk + 16)),
    sealed.subarray(last - chunk - 16, last),
  ]);
  await expect(whole(unseal(inPieces(swapped, 70_000), [identity]))).rejects.toMatchObject({
    code: 'E_BACKUP_DAMAGED',
  });
  await expect(whole(unseal(inPieces(randomBytes(200_000), 1000), [identity]))).rejects.toMatchObject({
    code: 'E_BACKUP_DAMAGED',
    detail: 'It has no header of an age file.',
  });
});

const program = findProgram('age');

describe.skipIf('missing' in program)(`the program age${'missing' in program ? ` (${program.missing})` : ''}`, () => {
  test('reads what we write, and we read what it writes', async () => {
    const age = 'path' in program ? program.path : '';
    const { identity, recipient } = await key();
    const folder = testFolder();
    const keyFile = join(folder, 'key');
    writeFileSync(keyFile, `${identity}\n`);
    for (const length of lengths) {
      const plain = randomBytes(length);
      const file = join(folder, `of ${length}`);
      writeFileSync(file, await whole(seal(inPieces(plain, 10_000), [recipient])));
      expect(execFileSync(age, ['-d', '-i', keyFile, file], { maxBuffer: 1e7 }).equals(plain)).toBe(true);
      execFileSync(age, ['-r', recipient, '-o', `${file}.age`], { input: plain });
      expect((await whole(unseal(inPieces(readFileSync(`${file}.age`), 9999), [identity]))).equals(plain)).toBe(true);
    }
  });
});
