import { promisify } from 'node:util';
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib';

export type Encoding = 'br' | 'zstd' | 'gzip';

/** Those preferred first, where the client has no preference: made once and kept, so what is smallest pays. */
export const encodingNames: readonly Encoding[] = ['br', 'zstd', 'gzip'];

const compressible =
  /^(?:text\/(?!event-stream)|[^;]*\+(?:json|xml|text)\b|application\/(?:json|javascript|ecmascript|xml|wasm|x-ndjson|graphql|manifest|x-sh|rtf|sql|toml|yaml)\b|image\/(?:bmp|svg|x-icon|vnd\.microsoft\.icon)|font\/(?:otf|ttf)|application\/vnd\.ms-fontobject)/i;

/** Whether encoding such content may make it smaller. */
export function isCompressible(contentType: string | null): boolean {
  return contentType !== null && compressible.test(contentType.trim());
}

/**
 * The encoding that a client prefers (RFC 9110 §12.5.3); `undefined` for none. One that was not ruled out goes before none.
 * @param offered those preferred first
 */
export function negotiate(acceptEncoding: string | null, offered: readonly Encoding[]): Encoding | undefined {
  if (acceptEncoding === null) return undefined;
  const weights = new Map<string, number>();
  for (const each of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
    if (name === '') continue;
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.replace(/^q\s*=\s*/, '');
    weights.set(name.replace(/^x-gzip$/, 'gzip'), weightOf(weight));
  }
  const rest = weights.get('*') ?? 0;
  const plain = weights.get('identity') ?? 0;
  let best: Encoding | undefined;
  let bestWeight = 0;
  for (const encoding of offered) {
    const weight = weights.get(encoding) ?? rest;
    if (weight > bestWeight && weight >= plain) {
      best = encoding;
      bestWeight = weight;
    }
  }
  return best;
}

/** What is no weight rules the encoding out. */
function weightOf(text: string | undefined): number {
  if (text === undefined) return 1;
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0;
}

const asGzip = promisify(gzip);
const asBrotli = promisify(brotliCompress);
const asZstd = promisify(zstdCompress);

/** The encoded body, or nothing where that is no smaller. */
export async function encode(body: Uint8Array, encoding: Encoding): Promise<Uint8Array | undefined> {
  const encoded = await encoders[encoding](body);
  return encoded.length < body.length ? encoded : undefined;
}

const encoders: Record<Encoding, (body: Uint8Array) => Promise<Uint8Array>> = {
  gzip: (body) => asGzip(body, { level: 6 }),
  br: (body) =>
    asBrotli(body, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
    }),
  zstd: (body) => asZstd(body, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
};
