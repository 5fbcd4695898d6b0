/**
 * What a PostgreSQL client sends: the type byte, or `startup` for the first packets, which have none. What is encrypted cannot
 * be told apart: it is `TLS`, in the pieces in which it comes.
 */
export interface ClientMessage {
  type: string;
  body: Buffer;
  /** As it was sent. */
  raw: Buffer;
}

/** TLS and GSSAPI are asked for before the startup packet proper. */
const requests = new Set([80_877_103, 80_877_104]);

/** The first byte of a TLS handshake; as part of a length it would stand for 369 MB. */
const handshake = 0x16;

/** Cuts the client's side of a connection into messages, whatever the chunks are. */
export function messageReader(): (chunk: Buffer) => ClientMessage[] {
  let rest: Buffer = Buffer.alloc(0);
  let starting = true;
  let encrypted = false;
  return (chunk) => {
    encrypted ||= starting && rest.length === 0 && chunk[0] === handshake;
    if (encrypted) return [{ type: 'TLS', body: chunk, raw: chunk }];
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const messages: ClientMessage[] = [];
    for (;;) {
      const head = starting ? 0 : 1;
      if (rest.length < head + 4) return messages;
      const length = head + rest.readInt32BE(head);
      if (rest.length < length) return messages;
      const raw = rest.subarray(0, length);
      const body = raw.subarray(head + 4);
      messages.push({ type: starting ? 'startup' : String.fromCharCode(raw[0] ?? 0), body, raw });
      if (starting) starting = body.length >= 4 && requests.has(body.readInt32BE(0));
      rest = rest.subarray(length);
    }
  };
}
