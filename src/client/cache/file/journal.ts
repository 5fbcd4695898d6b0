import { randomUUID } from 'node:crypto';
import { stat, unlink } from 'node:fs/promises';
import { errorCode } from '../../../errors.ts';
import { History } from '../fences/history.ts';
import type { Invalidation } from '../invalidation.ts';
import type { Heard, Position } from '../tier.ts';
import { beginJournal, identityOf, lookAtJournal, type OpenJournal, openJournal } from './journal-file.ts';
import type { Layout } from './layout.ts';
import { readRecords, wholeLines, writeRecord } from './records.ts';

/** Read at once; the event loop has its turn in between. */
const chunkBytes = 256 * 1024;
/** A process that has not opened the journal yet knows nothing. */
const nowhere: Position = { epoch: '', at: 0 };

interface Reading extends OpenJournal {
  /** All that begins before it was read. */
  offset: number;
  /** How long the file was when it was last looked at. */
  size: number;
  readonly history: History;
}

/**
 * What was invalidated in a folder, by whichever process: a file to which each appends, one write per record (O_APPEND), and from
 * which each reads on where it was. A position is an offset in it. An entry that was stored in time, but loaded before a record,
 * still carries its position: so nothing needs a lock.
 *
 * A new epoch begins when the journal has grown too long, is gone, or cannot be used; it voids all entries, so it may begin at any
 * time, and by several processes at once. Who appends looks afterwards whether the journal is still in its place, and does
 * it again in the new one when it is not.
 */
export class Journal {
  readonly #layout: Layout;
  readonly #maxBytes: number;
  /** What the origins of its own records begin with; a number follows. */
  readonly #origin = `${randomUUID().slice(0, 8)}-`;
  #appended = 0;
  /** Where own records that are being appended end, once they are read. */
  readonly #ends = new Map<string, number | undefined>();
  readonly #tell: (heard: Heard) => void;
  #reading: Reading | undefined;
  /** Where everything stood before the journal was opened; what came after that is told. */
  #before: Position = nowhere;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #closed = false;

  /** @param tell told of what other processes append */
  constructor(layout: Layout, maxBytes: number, tell: (heard: Heard) => void) {
    this.#layout = layout;
    this.#maxBytes = maxBytes;
    this.#tell = tell;
    try {
      const { epoch, size } = lookAtJournal(layout);
      this.#before = { epoch, at: size };
    } catch {
      // Whoever uses the tier learns of it.
    }
  }

  position(): Position {
    const reading = this.#reading;
    return reading ? { epoch: reading.epoch, at: reading.offset } : this.#before;
  }

  /** Whether an entry may not be given, as far as has been read. */
  isVoid(key: string, tags: readonly string[], { epoch, at }: Position): boolean {
    const reading = this.#reading;
    return reading === undefined || epoch !== reading.epoch || reading.history.isVoid(key, tags, at);
  }

  /** Resolves when all is known that was in the journal when it was called. */
  catchUp(): Promise<void> {
    if (!this.#running) return this.#start();
    // What is running may have looked before.
    this.#next ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  /** Resolves when whoever catches up from now on knows of it, with its position. */
  async append(what: readonly Invalidation[]): Promise<Position | undefined> {
    await this.catchUp();
    if (what.length === 0) return undefined;
    this.#appended += 1;
    const origin = `${this.#origin}${this.#appended}`;
    this.#ends.set(origin, undefined);
    try {
      return await this.#append(origin, writeRecord({ origin, what }));
    } finally {
      this.#ends.delete(origin);
    }
  }

  async #append(origin: string, record: Buffer): Promise<Position | undefined> {
    for (;;) {
      const reading = this.#reading;
      if (!reading) throw new Error('the journal is closed');
      try {
        const { bytesWritten } = await reading.handle.write(record);
        if (bytesWritten < record.length) throw new Error('the record was written in part: is the disk full?');
      } catch (error) {
        await this.#giveUp(error);
        return undefined;
      }
      await this.catchUp();
      if (this.#reading !== reading) continue;
      const at = this.#ends.get(origin);
      const position = at === undefined ? undefined : { epoch: reading.epoch, at };
      if (reading.size >= this.#maxBytes) await this.#beginAnew();
      return position;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled([this.#running, this.#next]);
    const reading = this.#reading;
    this.#reading = undefined;
    await reading?.handle.close();
  }

  #start(): Promise<void> {
    const run = this.#readOn().finally(() => {
      if (this.#running === run) this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  async #readOn(): Promise<void> {
    if (this.#closed) throw new Error('the tier is closed');
    const found = await stat(this.#layout.journal).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    const reading = this.#reading;
    if (reading && found && identityOf(found) === reading.identity) {
      if (found.size === reading.size) return;
      if (found.size > reading.size) {
        await this.#readTo(reading, found.size, reading.offset);
        return;
      }
      // Somebody has cut it off.
      beginJournal(this.#layout, { replace: true });
    }
    await this.#open();
  }

  async #open(): Promise<void> {
    const opened = await openJournal(this.#layout);
    const reading: Reading = { ...opened, offset: opened.end, size: opened.end, history: new History() };
    const before = this.position();
    const isContinued = !this.#reading && before.epoch === opened.epoch;
    try {
      const { size } = await opened.handle.stat();
      await this.#readTo(reading, size, isContinued ? before.at : Infinity);
    } catch (error) {
      // Up to there it was told.
      if (isContinued) this.#before = { epoch: reading.epoch, at: Math.max(before.at, reading.offset) };
      await opened.handle.close();
      throw error;
    }
    const last = this.#reading;
    // Before the position says that it is known.
    if (!isContinued) this.#tell('unknown');
    this.#reading = reading;
    await last?.handle.close().catch(() => {});
  }

  /** @param toldFrom records of other processes that end after it are told, before the offset is beyond them */
  async #readTo(reading: Reading, size: number, toldFrom: number): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for (let at = reading.offset; at < size;) {
      const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, size - at));
      const { bytesRead } = await reading.handle.read(chunk, 0, chunk.length, at);
      if (bytesRead === 0) break;
      at += bytesRead;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const start = reading.offset;
      const heard: Invalidation[] = [];
      let isDamaged = false;
      for (const { record, end } of readRecords(bytes)) {
        if (!record) {
          // It may have been anything.
          reading.history.raiseFloor(start + end);
          isDamaged ||= start + end > toldFrom;
          continue;
        }
        for (const each of record.what) reading.history.note(each, start + end);
        if (this.#ends.has(record.origin)) this.#ends.set(record.origin, start + end);
        if (!record.origin.startsWith(this.#origin) && start + end > toldFrom) {
          for (const each of record.what) heard.push(each);
        }
      }
      if (isDamaged) this.#tell('unknown');
      else if (heard.length > 0) this.#tell(heard);
      const whole = wholeLines(bytes);
      reading.offset = start + whole;
      rest = bytes.subarray(whole);
    }
    reading.size = size;
  }

  /**
   * What cannot be appended must not be served for that: without the journal nothing is, and a full disk lets go of it.
   *
   * @throws the error when that cannot be done either
   */
  async #giveUp(error: unknown): Promise<void> {
    await unlink(this.#layout.journal).catch((again: unknown) => {
      if (errorCode(again) !== 'ENOENT') throw error;
    });
  }

  async #beginAnew(): Promise<void> {
    const found = await stat(this.#layout.journal).catch(() => undefined);
    // Another process may have done so already.
    if (found && identityOf(found) === this.#reading?.identity) beginJournal(this.#layout, { replace: true });
    await this.catchUp();
  }
}
