import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from 'node:crypto';
import type { Identity, Recipient } from 'age-encryption';
import { messageOf, PitcrewError } from '../../../errors.ts';
import { damaged } from './header.ts';

/**
 * What a guess costs: 2^17 rounds, 128 MiB of memory and some 0.4 s, the most that OWASP's "Password Storage Cheat Sheet" asks of scrypt. The
 * program `age` takes twice as much for what it makes itself, and reads this.
 */
const workFactor = 17;
/** A file that asks for more would take all memory. Twice what `age` asks for. */
const largestWorkFactor = 19;
const label = 'age-encryption.org/v1/scrypt';
const tagBytes = 16;

/** A small text that a passphrase opens, as `age -p` makes it. */
export async function sealByPassphrase(text: string, passphrase: string): Promise<Buffer> {
  const { Encrypter, Stanza } = await import('age-encryption');
  const recipient: Recipient = {
    async wrapFileKey(fileKey) {
      const salt = randomBytes(16);
      const cipher = createCipheriv(
        'chacha20-poly1305',
        await stretch(passphrase, salt, workFactor),
        Buffer.alloc(12),
        {
          authTagLength: tagBytes,
        },
      );
      const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
      return [new Stanza(['scrypt', unpadded(salt), String(workFactor)], body)];
    },
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return Buffer.from(await encrypter.encrypt(text));
}

/**
 * What a passphrase opens; `undefined` when it is another one that does.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` when it is no such file, or was changed
 */
export async function openByPassphrase(file: Buffer, passphrase: string): Promise<string | undefined> {
  const { Decrypter } = await import('age-encryption');
  const identity: Identity = {
    async unwrapFileKey(stanzas) {
      const [stanza] = stanzas;
      const [kind, salt = '', factor = ''] = stanza?.args ?? [];
      // Beside others it would not be sure who wrote the file.
      if (!stanza || stanzas.length > 1 || kind !== 'scrypt') throw damaged('No passphrase opens it.');
      if (!/^\d{1,2}$/.test(factor) || Number(factor) > largestWorkFactor)
        throw damaged('It asks for too much memory.');
      const key = await stretch(passphrase, Buffer.from(salt, 'base64'), Number(factor));
      return unwrap(key, Buffer.from(stanza.body));
    },
  };
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(file, 'text');
  } catch (error) {
    if (/no identity matched/.test(messageOf(error))) return undefined;
    throw error instanceof PitcrewError ? error : damaged(messageOf(error));
  }
}

function unwrap(key: Buffer, body: Buffer): Buffer | null {
  const at = body.length - tagBytes;
  if (at < 0) return null;
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: tagBytes });
  decipher.setAuthTag(body.subarray(at));
  const fileKey = decipher.update(body.subarray(0, at));
  try {
    decipher.final();
    return fileKey;
  } catch {
    return null;
  }
}

/** On a thread of Node's: nothing else waits for it. */
function stretch(passphrase: string, salt: Buffer, factor: number): Promise<Buffer> {
  const cost = { N: 2 ** factor, r: 8, p: 1 };
  const maxmem = 128 * cost.r * (cost.N + 4);
  return new Promise((resolve, reject) => {
    scrypt(passphrase, Buffer.concat([Buffer.from(label), salt]), 32, { ...cost, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
