import type pg from 'pg';

/** The connection of a client of `pg`, which its types do not name. */
export interface CopyBothWire {
  query(text: string): void;
  sendCopyFromChunk(bytes: Buffer): void;
  endCopyFrom(): void;
  once(event: 'replicationStart', listener: () => void): void;
  removeListener(event: 'replicationStart', listener: () => void): void;
  stream: { destroy(): void };
}

export interface CopyBothHandlers {
  /** The server has begun to send. */
  started(): void;
  /** What was sent, in its order. Bytes are the reader's only until it returns. */
  received(bytes: Buffer): void;
  /** The stream has ended: as asked for, or by an error. The connection may be lost. */
  ended(error: Error | undefined): void;
}

/**
 * A statement that makes both sides send at will until one ends it, such as START_REPLICATION: what `pg` calls a query object.
 * Nothing is kept: each piece is handed on where it is read, so the socket itself holds the server back.
 */
export class CopyBoth implements pg.Submittable {
  readonly #text: string;
  readonly #handlers: CopyBothHandlers;
  #wire: CopyBothWire | undefined;
  #ended = false;
  readonly #start = (): void => this.#handlers.started();

  constructor(text: string, handlers: CopyBothHandlers) {
    this.#text = text;
    this.#handlers = handlers;
  }

  submit(connection: pg.Connection): void {
    this.#wire = connection as unknown as CopyBothWire;
    this.#wire.once('replicationStart', this.#start);
    this.#wire.query(this.#text);
  }

  send(bytes: Buffer): void {
    if (!this.#ended) this.#wire?.sendCopyFromChunk(bytes);
  }

  /** Asks the server to end the stream. */
  finish(): void {
    if (!this.#ended) this.#wire?.endCopyFrom();
  }

  handleCopyData(message: { chunk: Buffer }): void {
    if (!this.#ended) this.#handlers.received(message.chunk);
  }

  handleError(error: Error): void {
    this.#end(error);
  }

  handleReadyForQuery(): void {
    this.#end(undefined);
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}

  #end(error: Error | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#wire?.removeListener('replicationStart', this.#start);
    this.#handlers.ended(error);
  }
}
