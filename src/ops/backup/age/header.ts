import { Buffer } from 'node:buffer';
import { hkdfSync } from 'node:crypto';
import type { Recipient } from 'age-encryption';
import { messageOf, PitcrewError } from '../../../errors.ts';

/** Secrets of whoever may read: lines such as `AGE-SECRET-KEY-1…`. */
export type Identities = readonly string[];

/** Makes the header of a new file for some recipients (`age1…`), and the key that it carries. */
export async function makeHeader(recipients: readonly string[]): Promise<{ header: Buffer; fileKey: Buffer }> {
  const age = await import('age-encryption');
  const encrypter = new age.Encrypter();
  let fileKey = Buffer.alloc(0);
  // The payload is ours, so the key has to be known: a recipient that adds nothing to the header is shown it.
  const witness: Recipient = {
    wrapFileKey(key) {
      fileKey = Buffer.from(key);
      return [];
    },
  };
  for (const recipient of [...recipients, witness]) encrypter.addRecipient(recipient);
  const file = Buffer.from(await encrypter.encrypt(''));
  return { header: file.subarray(0, headerEnd(file)), fileKey };
}

/**
 * The key that a header carries for one of the identities.
 * @throws {PitcrewError} `E_BACKUP_KEY` when it is for others; `E_BACKUP_DAMAGED` when it is none or was changed
 */
export async function openHeader(header: Buffer, identities: Identities): Promise<Buffer> {
  const age = await import('age-encryption');
  const decrypter = new age.Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return Buffer.from(await decrypter.decryptHeader(header));
  } catch (error) {
    if (/no identity matched/.test(messageOf(error))) {
      throw new PitcrewError('E_BACKUP_KEY', 'the key does not open this', {
        detail: 'It was encrypted for other recipients.',
        hint: 'Give the identity of one of the recipients that the repository had when it was written.',
        cause: error,
      });
    }
    throw damaged(messageOf(error));
  }
}

/** The key of the payload that follows, by its nonce. */
export function payloadKey(fileKey: Buffer, nonce: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/** Bytes of a header: up to the end of the line that authenticates it. `undefined`: there is more of it to come. */
export function headerEnd(bytes: Buffer): number | undefined {
  const last = bytes.indexOf('\n--- ');
  const end = last < 0 ? -1 : bytes.indexOf('\n', last + 1);
  return end < 0 ? undefined : end + 1;
}

export function damaged(detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', 'an encrypted file is damaged', { detail });
}
