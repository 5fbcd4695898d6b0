import type pg from 'pg';
import type { Session } from '../database.ts';
import type { Text } from '../values.ts';

/** What is used of the driver's connection. */
interface CopyWire {
  query(text: string): void;
  stream: { write(data: Uint8Array): boolean; cork(): void; uncork(): void };
}

/** CopyDone, of the frontend/backend protocol. */
const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/** Rows as COPY's text format has them. */
function copyLines(rows: readonly (readonly Text[])[]): Buffer {
  let lines = '';
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      if (i > 0) lines += '\t';
      const text = row[i] as Text;
      lines += text === null ? '\\N' : escaped(text);
    }
    lines += '\n';
  }
  return Buffer.from(lines, 'utf8');
}

const special = /[\\\n\r\t]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(text: string): string {
  return special.test(text) ? text.replace(/[\\\n\r\t]/g, (character) => escapes[character] as string) : text;
}

/** `COPY … FROM STDIN` with data that is all there: the server never waits for the source. */
class CopyIn implements pg.Submittable {
  readonly text: string;
  readonly #data: Buffer;
  readonly #ended: (error: Error | undefined, rows: number) => void;
  #rows = 0;

  constructor(text: string, data: Buffer, ended: (error: Error | undefined, rows: number) => void) {
    this.text = text;
    this.#data = data;
    this.#ended = ended;
  }

  submit(connection: unknown): void {
    (connection as CopyWire).query(this.text);
  }

  /** Where the client has `query_timeout`, `pg` puts its own in this one's place, which stops its timer. */
  callback(): void {}

  handleCopyInResponse({ stream }: CopyWire): void {
    const head = Buffer.alloc(5);
    head[0] = 0x64;
    head.writeUInt32BE(this.#data.length + 4, 1);
    stream.cork();
    stream.write(head);
    stream.write(this.#data);
    stream.write(copyDone);
    stream.uncork();
  }

  handleCommandComplete({ text }: { text: string }): void {
    this.#rows = Number(/^COPY (\d+)/.exec(text)?.[1] ?? 0);
  }

  handleReadyForQuery(): void {
    this.callback();
    this.#ended(undefined, this.#rows);
  }

  handleError(error: Error): void {
    this.callback();
    this.#ended(error, 0);
  }
}

/** Copies rows, and gives how many. */
export function copyIn(session: Session, text: string, rows: readonly (readonly Text[])[]): Promise<number> {
  return new Promise((resolve, reject) => {
    session.submit(new CopyIn(text, copyLines(rows), (error, count) => (error ? reject(error) : resolve(count))));
  });
}

/** Which of the rows COPY says it failed at, from 0; its words are the server's, in whatever language. */
export function copiedLine(error: unknown): number | undefined {
  const { where } = error as { where?: unknown };
  const line = typeof where === 'string' ? /^COPY .*?, \D*(\d+)/m.exec(where)?.[1] : undefined;
  return line === undefined ? undefined : Number(line) - 1;
}

/** Which column COPY could not read. */
export function copiedColumn(error: unknown): string | undefined {
  const { where } = error as { where?: unknown };
  return typeof where === 'string'
    ? /^COPY .*?, line \d+, column (.+?)(?:: "|: null input$|$)/m.exec(where)?.[1]
    : undefined;
}
