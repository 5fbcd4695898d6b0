import { PitcrewError } from '../../../errors.ts';

/** Reads the network's way of writing numbers and texts, one after the other. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  /** One byte as a letter. */
  letter(): string {
    return String.fromCharCode(this.byte());
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#advance(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#advance(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8));
  }

  text(length: number): string {
    const from = this.#advance(length);
    return this.#bytes.toString('utf8', from, from + length);
  }

  /** A text that ends with a zero byte. */
  textToZero(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw cutOff();
    const from = this.#at;
    this.#at = end + 1;
    return this.#bytes.toString('utf8', from, end);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  #advance(length: number): number {
    const from = this.#at;
    this.#at += length;
    if (length < 0 || this.#at > this.#bytes.length) throw cutOff();
    return from;
  }
}

function cutOff(): PitcrewError {
  return new PitcrewError('E_INTERNAL', 'a message of the replication stream ends too early');
}
