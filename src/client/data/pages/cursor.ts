import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { PitcrewError } from '../../../errors.ts';
import type { Text } from '../values.ts';

/** What signs cursors: at least 16 bytes. Of several the first one signs, and all are accepted, so that they can be changed. */
export type CursorSecret = string | Uint8Array | readonly (string | Uint8Array)[];

/** A place in a sorted list: before or after a row with these values, or that row itself. */
export interface Position {
  values: Text[];
  /** The row with these values is wanted as well. */
  inclusive: boolean;
}

/** Longer ones are none of ours. */
const longestCursor = 65_536;
const shortestSecret = 16;

/** Writes and reads the cursors of one query. They are signed, not secret: they hold the values of the columns in its order. */
export class CursorCodec {
  readonly #secrets: (string | Uint8Array)[];
  readonly #shape: string;

  /**
   * @param shape what makes the query this one, whatever its values
   * @throws `E_USAGE` for a secret that is too short
   */
  constructor(secret: CursorSecret, shape: readonly unknown[]) {
    this.#secrets = [secret].flat() as (string | Uint8Array)[];
    if (this.#secrets.length === 0 || this.#secrets.some((each) => Buffer.byteLength(each) < shortestSecret)) {
      throw new PitcrewError('E_USAGE', `the secret of cursors has less than ${shortestSecret} bytes`, {
        hint: 'Make one with: openssl rand -base64 32',
      });
    }
    this.#shape = createHash('sha256').update(JSON.stringify(shape)).digest('base64url').slice(0, 16);
  }

  write({ values, inclusive }: Position): string {
    const content = Buffer.from(JSON.stringify([this.#shape, inclusive ? 1 : 0, ...values])).toString('base64url');
    return `${content}.${signature(this.#secrets[0] as string, content).toString('base64url')}`;
  }

  /** @throws `E_BAD_REQUEST` for what this did not write, or wrote for another query */
  read(cursor: string): Position {
    const [content = '', signed = '', ...rest] =
      typeof cursor === 'string' && cursor.length <= longestCursor ? cursor.split('.') : [];
    const given = Buffer.from(signed, 'base64url');
    const genuine = this.#secrets.some((secret) => {
      const expected = signature(secret, content);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    if (!genuine || rest.length > 0) throw refused('It was changed, or signed with another secret.');
    const [shape, inclusive, ...values] = JSON.parse(Buffer.from(content, 'base64url').toString()) as [
      string,
      number,
      ...Text[],
    ];
    if (shape !== this.#shape) throw refused('It belongs to another query, or to this one in another order.');
    return { values, inclusive: inclusive === 1 };
  }
}

function signature(secret: string | Uint8Array, content: string): Buffer {
  return createHmac('sha256', secret).update(content).digest();
}

function refused(detail: string): PitcrewError {
  return new PitcrewError('E_BAD_REQUEST', 'the cursor is not valid', { detail, hint: 'Begin with the first page.' });
}
