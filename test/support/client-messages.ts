/** What a PostgreSQL client sends: the type byte, or `startup` for the first packets, which have none. */
export interface ClientMessage {
  type: string;
  body: Buffer;
  /** As it was sent. */
  raw: Buffer;
}

/** TLS and GSSAPI are asked for before the startup packet proper. */
const requests = new Set([80_877_103, 80_877_104]);

/** Cuts the client's side of a connection that is not encrypted into messages, whatever the chunks are. */
export function messageReader(): (chunk: Buffer) => ClientMessage[] {
  let rest: Buffer = Buffer.alloc(0);
  let starting = true;
  return (chunk) => {
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
