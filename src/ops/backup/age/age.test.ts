import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import { findProgram, programPath } from '../../../../test/support/programs.ts';
import { inPieces, whole } from '../../../../test/support/streams.ts';
import { openByPassphrase, sealByPassphrase } from './passphrase.ts';
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
/** It asks for passphrases at a terminal alone, which this one makes. */
const terminal = programPath('script');

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

  test.skipIf(terminal === undefined)(
    'opens what a passphrase seals, and what it seals is opened',
    async () => {
      const folder = testFolder();
      const file = join(folder, 'sealed');
      writeFileSync(file, await sealByPassphrase('a secret', 'correct horse'));
      const age = 'path' in program ? program.path : '';
      expect(atTerminal(`${age} -d -o ${folder}/opened ${file}`, 'correct horse\n')).toContain('passphrase');
      expect(readFileSync(join(folder, 'opened'), 'utf8')).toBe('a secret');
      atTerminal(`${age} -p -o ${folder}/theirs ${folder}/opened`, 'battery staple\nbattery staple\n');
      const theirs = readFileSync(join(folder, 'theirs'));
      expect(await openByPassphrase(theirs, 'battery staple')).toBe('a secret');
      expect(await openByPassphrase(theirs, 'battery stable')).toBeUndefined();
    },
    60_000,
  );
});

/** Runs a command at a terminal at which somebody types. */
function atTerminal(command: string, typed: string): string {
  return execFileSync(terminal ?? '', ['-qec', command, '/dev/null'], { input: typed, encoding: 'utf8' });
}

test('a file that no passphrase opens, or that would take all memory, is refused', async () => {
  const { recipient } = await key();
  const other = await whole(seal(inPieces(Buffer.from('x'), 1), [recipient]));
  await expect(openByPassphrase(other, 'correct horse')).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
  const greedy = Buffer.from(
    (await sealByPassphrase('x', 'correct horse')).toString('latin1').replace(/^(-> scrypt \S+) 17$/m, '$1 25'),
    'latin1',
  );
  await expect(openByPassphrase(greedy, 'correct horse')).rejects.toMatchObject({
    code: 'E_BACKUP_DAMAGED',
    detail: 'It asks for too much memory.',
  });
});
