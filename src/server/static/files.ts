import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** A file of the dashboard, held in memory: all of them together are smaller than one photograph. */
export interface StaticFile {
  type: string;
  etag: string;
  /** Hashed name: its content never changes. */
  immutable: boolean;
  body: Buffer;
  /** Compressed once, when first asked for; `undefined` for what is compressed already. */
  compressed(encoding: 'br' | 'gzip'): Promise<Buffer> | undefined;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
const compressible = /^(text\/|application\/|image\/svg)/;

/** The built dashboard: beside the built server, or where the build puts it when the server runs from its sources. */
export function defaultUiDir(): string {
  const candidates = ['../../ui', '../../../dist/ui'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return candidates.find((path) => existsSync(join(path, 'index.html'))) ?? candidates[0] ?? '';
}

/**
 * Files of a folder by their path in a URL. The folder is read once, and again when its index.html is another one: only
 * what was found there can be asked for, so no path can lead outside. `prefix`: the path at which we are mounted.
 */
export function createFiles(dir: string, prefix: string) {
  let files = new Map<string, StaticFile>();
  let readAt = '';

  return {
    find(path: string): StaticFile | undefined {
      const stat = statSync(join(dir, 'index.html'), { throwIfNoEntry: false });
      const version = stat === undefined ? '' : `${stat.mtimeMs}/${stat.ino}`;
      if (version !== readAt) {
        files = version === '' ? new Map() : readFolder(dir, prefix);
        readAt = version;
      }
      return files.get(path);
    },
  };
}

function readFolder(dir: string, prefix: string): Map<string, StaticFile> {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const url = path.slice(join(dir, '/').length - 1).replaceAll('\\', '/');
      const content = readFileSync(path);
      const body = url === '/index.html' ? withBase(content, prefix) : content;
      return [url, staticFile(extname(path), body, url.startsWith('/assets/'))];
    }),
  );
}

/** The page finds its files and the API beside its `<base>`: below the path at which another application mounts us. */
function withBase(page: Buffer, prefix: string): Buffer {
  return Buffer.from(page.toString().replace('<base href="/"', () => `<base href="${prefix}/"`));
}

function staticFile(extension: string, body: Buffer, immutable: boolean): StaticFile {
  const type = types[extension] ?? 'application/octet-stream';
  const cache: Partial<Record<'br' | 'gzip', Promise<Buffer>>> = {};
  return {
    type,
    immutable,
    body,
    etag: createHash('sha256').update(body).digest('base64url').slice(0, 22),
    compressed(encoding) {
      if (!compressible.test(type) || body.length < 1024) return undefined;
      return (cache[encoding] ??= encoding === 'br' ? brotli(body) : promisify(gzip)(body));
    },
  };
}

function brotli(body: Buffer): Promise<Buffer> {
  return promisify(brotliCompress)(body, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: body.length },
  });
}
