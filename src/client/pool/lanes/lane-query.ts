import pg from 'pg';
import { type GrowingResult, shapeOf, takeShape, type Wire } from '../driver.ts';
import type { Statement } from '../statements/statement.ts';
import type { LanePreparation } from './preparations.ts';

/**
 * Execute of the unnamed portal without a limit of rows, then Sync, in one piece (PostgreSQL documentation, "Message
 * Formats"). Each statement has its own Sync, so it is its own transaction, and its error is its own.
 */
const executeAndSync = Uint8Array.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);

/** What a statement's shared connection is told of it. */
export interface LaneListener {
  ended(query: LaneQuery): void;
}

/** A statement on its way through a shared connection. `pg` drives it by the methods of its own queries. */
export class LaneQuery {
  readonly statement: Statement;
  readonly result: GrowingResult;
  readonly #preparation: LanePreparation;
  readonly #values: unknown[] | undefined;
  readonly #listener: LaneListener;
  error: Error | undefined;
  /** It was prepared by an earlier run: the server may know it as it was before its tables changed. */
  reused = false;
  /** The server has found out what it means and has taken its values: until then nothing of it has happened. */
  begun = false;
  /** The error that ended it, which is another one where a type parser of the application had failed before. */
  endedBy: Error | undefined;
  #done = false;

  /** @param values as `pg` prepares them: text, bytes or null */
  constructor(
    statement: Statement,
    values: unknown[] | undefined,
    preparation: LanePreparation,
    types: unknown,
    listener: LaneListener,
  ) {
    this.statement = statement;
    this.#values = values;
    this.#preparation = preparation;
    this.#listener = listener;
    const rowMode = statement.config?.rowMode;
    this.result = new pg.Result(rowMode as string, (statement.config?.types ?? types) as never) as never;
  }

  get preparation(): LanePreparation {
    return this.#preparation;
  }

  /** `pg` sets its own where there is none. */
  callback = (): void => {};

  submit(wire: Wire): null {
    const { name } = this.#preparation;
    this.reused = this.#preparation.parsed;
    if (!this.reused) {
      wire.parse({ name, text: this.statement.record.text });
      this.#preparation.parsed = name !== '';
    }
    wire.bind({ statement: name, values: this.#values });
    const { shape } = this.#preparation;
    // Columns known from an earlier run need not be described again.
    if (shape) takeShape(this.result, shape);
    else wire.describe({ type: 'P', name: '' });
    if (wire.stream.writable) wire.stream.write(executeAndSync);
    return null;
  }

  handleRowDescription(message: { fields: pg.FieldDef[] }): void {
    const { result } = this;
    result.addFields(message.fields);
    if (this.#preparation.name !== '') this.#preparation.shape = shapeOf(result);
  }

  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    if (this.error) return;
    try {
      this.result.rows.push(this.result.parseRow(message.fields));
    } catch (error) {
      // A type parser of the application failed; the rest of the rows still arrives.
      this.error = error instanceof Error ? error : new Error(String(error));
    }
  }

  handleCommandComplete(message: { text: string }): void {
    this.result.addCommandComplete(message);
  }

  handleError(error: Error): void {
    this.endedBy = error;
    this.error ??= error;
    this.#end();
  }

  /** After its Sync: what it did is committed. */
  handleReadyForQuery(): void {
    this.#end();
  }

  handleEmptyQuery(): void {}

  handlePortalSuspended(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFail('a shared connection cannot copy');
  }

  handleCopyData(): void {}

  #end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#listener.ended(this);
  }
}

// In pipeline mode `pg` accepts its own queries only, because cursors would keep a portal open. This one does not, and skips the
// constructor of pg's, which makes an event emitter per query.
Object.setPrototypeOf(LaneQuery.prototype, pg.Query.prototype);
