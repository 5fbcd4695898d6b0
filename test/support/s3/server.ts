import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { type Answer, S3Error, xml } from './answers.ts';
import { type Behaviour, operationOf, operations, type Request, type TestBucket } from './operations.ts';
import { type AccessKey, checkSignature } from './signature.ts';

/**
 * What happens to a request:
 * - an answer of S3's that says no, by its status and code;
 * - `cut`: the connection ends after so many bytes of the request's body came, or of the answer's went;
 * - `lose answer`: it is done, and the connection ends before the answer;
 * - `hang`: nothing is ever answered.
 */
export type Fault =
  | { status: number; code: string }
  | { cut: 'request' | 'answer'; afterBytes: number }
  | 'lose answer'
  | 'hang';

/** A server of tests that speaks S3's protocol, path style, as Amazon documents it; what it keeps is in memory. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly key: AccessKey;
  readonly buckets: Map<string, TestBucket>;
  readonly behaviour: Behaviour;
  /** What was asked for: `PutObject key`. */
  readonly log: string[];
  /** The next requests of that operation meet a fault; of keys that match, where a pattern is given. */
  fail(operation: string, fault: Fault, times?: number, key?: RegExp): void;
  /** From now on no request meets one. */
  heal(): void;
}

interface Trap {
  operation: string;
  fault: Fault;
  left: number;
  key: RegExp;
}

/** Starts one on a free port of 127.0.0.1, with these buckets. */
export async function s3Server(...names: string[]): Promise<S3Server> {
  const key: AccessKey = { accessKeyId: 'AKIATEST', secretAccessKey: randomBytes(20).toString('hex') };
  const buckets = new Map(names.map((name) => [name, { files: new Map(), uploads: new Map() } as TestBucket]));
  const behaviour: Behaviour = { conditions: 'done', smallestPart: 5 * 1024 * 1024, pageSize: 1000 };
  const traps: Trap[] = [];
  const log: string[] = [];

  function trapFor(request: Request): Fault | undefined {
    const trap = traps.find(
      ({ operation, left, key: of }) => left > 0 && operation === request.operation && of.test(request.key),
    );
    if (trap) trap.left -= 1;
    return trap?.fault;
  }

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = message;
    const request = parse(message);
    const fault = trapFor(request);
    log.push(`${request.operation} ${request.key}`);
    const most = typeof fault === 'object' && 'cut' in fault && fault.cut === 'request' ? fault.afterBytes : Infinity;
    const body = await bodyOf(message, most);
    if (body === undefined) return void socket.resetAndDestroy();
    if (fault === 'hang') return;
    let answer: Answer;
    try {
      if (typeof fault === 'object' && 'status' in fault) throw new S3Error(fault.status, fault.code);
      checkSignature(message, body, key);
      const bucket = buckets.get(request.bucket);
      if (!bucket) throw new S3Error(404, 'NoSuchBucket');
      const operation = operations[request.operation];
      if (!operation) throw new S3Error(405, 'MethodNotAllowed');
      answer = operation(bucket, { ...request, body }, behaviour);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      answer = xml(
        'Error',
        [
          ['Code', error.code],
          ['Message', error.message],
        ],
        error.status,
      );
    }
    if (fault === 'lose answer') return void socket.resetAndDestroy();
    const { status, headers = {}, body: content = '' } = answer;
    const bytes = Buffer.from(content);
    response.writeHead(status, { 'content-length': String(bytes.length), ...headers, 'x-amz-request-id': 'TEST' });
    if (message.method === 'HEAD') return void response.end();
    if (typeof fault === 'object' && 'cut' in fault) {
      response.write(bytes.subarray(0, fault.afterBytes), () => socket.destroy());
    } else response.end(bytes);
  }

  const server = createServer((message, response) => {
    const { socket } = message;
    serve(message, response).catch(() => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    key,
    buckets,
    behaviour,
    log,
    fail: (operation, fault, times = 1, of = /^/) => void traps.push({ operation, fault, left: times, key: of }),
    heal: () => void traps.splice(0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function parse({ method = '', url = '', headers }: IncomingMessage): Request {
  const { pathname, searchParams: query } = new URL(url, 'http://server');
  const [, bucket = '', ...path] = decodeURIComponent(pathname).split('/');
  const key = path.join('/');
  return { operation: operationOf(method, key, query, headers), bucket, key, query, headers, body: Buffer.alloc(0) };
}

/** All of it; `undefined` when there is more than is wanted. */
async function bodyOf(message: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const pieces: Buffer[] = [];
  let length = 0;
  // Iterated over as it is, it would take the connection with it.
  for await (const piece of message.iterator({ destroyOnReturn: false })) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length > most) return undefined;
  }
  return Buffer.concat(pieces);
}
