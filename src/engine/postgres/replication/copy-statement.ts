import type pg from 'pg';

/** The connection of a client of `pg`, which its types do not name. */
interface CopyWire {
  query(text: string): void;
  sendCopyFromChunk(bytes: Buffer): void;
  endCopyFrom(): void;
  on(event: 'replicationStart' | 'copyDone', listener: () => void): void;
  removeListener(event: 'replicationStart' | 'copyDone', listener: () => void): void;
  stream: {
    pause(): void;
    resume(): void;
    once(event: 'drain', listener: () => void): void;
    writableNeedDrain: boolean;
  };
}

export interface CopyHandlers {
  /** The server has begun to send, or waits for what we send. */
  started?: (() => void) | undefined;
  /** A row of the result before or after what is copied; `set` counts results from 0. */
  row?(fields: readonly (string | null)[], set: number): void;
  /** What was sent, in its order. Bytes are the reader's only until it returns. */
  received?(bytes: Buffer): void;
  /** The server has sent all; where both sides send, it waits for our end. */
  done?(): void;
  /** The statement has ended: as asked for, or by an error. The connection may be lost. */
  ended(error: Error | undefined): void;
}

/**
 * A statement that copies in one direction or both, such as BASE_BACKUP or START_REPLICATION: what `pg` calls a query object. Nothing is kept:
 * each piece is handed on where it is read, so the socket itself holds the server back.
 */
export class CopyStatement implements pg.Submittable {
  readonly #text: string;
  readonly #handlers: CopyHandlers;
  #wire: CopyWire | undefined;
  #ended = false;
  #finished = false;
  #set = -1;
  #waiting: (() => void) | undefined;
  readonly #start = (): void => this.#handlers.started?.();
  readonly #done = (): void => this.#handlers.done?.();

  constructor(text: string, handlers: CopyHandlers) {
    this.#text = text;
    this.#handlers = handlers;
  }

  submit(connection: pg.Connection): void {
    this.#wire = connection as unknown as CopyWire;
    this.#wire.on('replicationStart', this.#start);
    this.#wire.on('copyDone', this.#done);
    this.#wire.query(this.#text);
  }

  /** Sends a piece; what the socket cannot take yet is kept until `drained`. */
  send(bytes: Buffer): void {
    if (!this.#ended && !this.#finished) this.#wire?.sendCopyFromChunk(bytes);
  }

  /** Resolves when what was sent is little enough to send more, or when the statement has ended. */
  drained(): Promise<void> {
    const stream = this.#wire?.stream;
    if (this.#ended || !stream?.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = resolve;
      stream.once('drain', resolve);
    });
  }

  /** Says that we have sent all, or asks the server to end the stream. */
  finish(): void {
    if (this.#ended || this.#finished) return;
    this.#finished = true;
    this.#wire?.endCopyFrom();
  }

  /** Holds the server back: little more than what has already come is handed on. */
  pause(): void {
    if (!this.#ended) this.#wire?.stream.pause();
  }

  resume(): void {
    this.#wire?.stream.resume();
  }

  handleCopyInResponse(): void {
    this.#start();
  }

  handleCopyData(message: { chunk: Buffer }): void {
    if (!this.#ended) this.#handlers.received?.(message.chunk);
  }

  handleRowDescription(): void {
    this.#set += 1;
  }

  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    if (!this.#ended) this.#handlers.row?.(message.fields, this.#set);
  }

  handleError(error: Error): void {
    this.#end(error);
  }

  handleReadyForQuery(): void {
    this.#end(undefined);
  }

  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.resume();
    this.#ended = true;
    this.#waiting?.();
    this.#wire?.removeListener('replicationStart', this.#start);
    this.#wire?.removeListener('copyDone', this.#done);
    this.#handlers.ended(error);
  }
}
