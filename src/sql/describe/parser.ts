import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { PitcrewError } from '../../errors.ts';
import { fieldsOf, isObject, listOf, type Node, nodeOf, type Tree } from './tree.ts';

/** What we use of the program that Emscripten made of PostgreSQL's parser. */
interface Program {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _wasm_parse_query_raw(text: number): number;
  _wasm_free_parse_result(result: number): void;
  getValue(pointer: number, type: 'i32'): number;
  UTF8ToString(pointer: number): string;
}

/** The global object, of which the types of Node say nothing. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
};

type Instantiate = (options: {
  instantiateWasm(imports: object, done: (instance: { exports: object }) => void): object;
}) => Promise<Program>;

let start: (() => Promise<Parse>) | undefined;
let parser: Parse | undefined;
let loading: Promise<void> | undefined;
let restarting = false;

/** True when texts can be parsed. */
export function parserLoaded(): boolean {
  return parser !== undefined;
}

/**
 * Loads PostgreSQL's parser (a WebAssembly program of 1.7 MB, some 50 ms) once, however often it is called. After a failure
 * the next call tries again.
 * @throws {PitcrewError} E_MISSING_PACKAGE when the package `libpg-query` cannot be loaded.
 */
export function loadParser(): Promise<void> {
  loading ??= load().catch((cause: unknown) => {
    loading = undefined;
    throw new PitcrewError('E_MISSING_PACKAGE', 'PostgreSQL’s parser cannot be loaded', {
      detail: cause instanceof Error ? cause.message : String(cause),
      hint: 'Install libpg-query: npm install libpg-query. A bundler must leave it as an external package.',
      cause,
    });
  });
  return loading;
}

/**
 * The package's own entry starts one program for good. A program whose stack has overflowed is broken for good as well
 * (its next answers would be wrong), so that we start it ourselves, and start another one then.
 */
async function load(): Promise<void> {
  const require = createRequire(import.meta.url);
  const code = await readFile(require.resolve('libpg-query/wasm/libpg-query.wasm'));
  const instantiate = require('libpg-query/wasm/libpg-query.js') as Instantiate;
  await withoutOptimizing(async () => {
    const module = new WebAssembly.Module(code);
    start = async () =>
      parserOf(
        await instantiate({
          instantiateWasm(imports, done) {
            const instance = new WebAssembly.Instance(module, imports);
            done(instance);
            return instance.exports;
          },
        }),
      );
    parser = await start();
    for (const text of warmUp) parse(text);
  });
}

/** Statements that make V8 compile what it compiles when first used: most of all the one large function of the grammar. */
const warmUp = [
  `WITH a AS (SELECT b.c, count(*) FROM s.b LEFT JOIN d USING (e) WHERE f = $1 AND g IN (1, 'x') GROUP BY 1 ORDER BY 2 LIMIT 3)
   SELECT DISTINCT * FROM a WHERE EXISTS (SELECT 1.5 FROM h WHERE i::text LIKE '%j' OR NOT k IS NULL)`,
  'INSERT INTO a (b) VALUES ($1) ON CONFLICT (b) DO UPDATE SET c = excluded.c RETURNING *',
  'UPDATE a SET b = c + 1 WHERE d = ANY ($1)',
  'BEGIN',
];

/**
 * V8's optimizing compiler takes about 600 MB for a second, only to compile the grammar's one function of half a megabyte,
 * and gains little by it: more than the memory of many a container. Code compiled while its flags are off is never sent to it.
 * Apart from microtasks, nothing else runs meanwhile.
 */
async function withoutOptimizing(work: () => Promise<void>): Promise<void> {
  setFlag('--no-wasm-tier-up');
  setFlag('--no-wasm-dynamic-tiering');
  try {
    await work();
  } finally {
    setFlag('--wasm-tier-up');
    setFlag('--wasm-dynamic-tiering');
  }
}

/** Runtimes other than Node do not have these flags, and do without. */
function setFlag(flag: string): void {
  try {
    setFlagsFromString(flag);
  } catch {
    // As said above.
  }
}

/**
 * The statements of a text, or `undefined` when it cannot be parsed: because it is no SQL, the parser is not loaded, or the
 * stack does not suffice. Never throws.
 */
export function parse(text: string): Node[] | undefined {
  if (!parser) {
    restart();
    return undefined;
  }
  // The program reads up to the first NUL, and would judge a part of the text.
  if (text.includes('\0')) return undefined;
  let tree: Tree;
  try {
    const answer = parser(text);
    if (answer === undefined) return undefined;
    tree = JSON.parse(answer) as Tree;
  } catch {
    restart();
    return undefined;
  }
  if (!isObject(tree)) return undefined;
  const statements: Node[] = [];
  for (const raw of listOf(tree['stmts'])) {
    const statement = nodeOf(fieldsOf(raw, 'stmt'));
    if (!statement) return undefined;
    statements.push(statement);
  }
  return statements;
}

const encoder = new TextEncoder();

/** The parse tree of a text as JSON, `undefined` for a text that is no SQL. Throws when the program broke. */
type Parse = (text: string) => string | undefined;

function parserOf(program: Program): Parse {
  const {
    _malloc: allocate,
    _free: free,
    _wasm_parse_query_raw: parseRaw,
    _wasm_free_parse_result: freeResult,
  } = program;
  return (text) => {
    const room = text.length * 3 + 1;
    const pointer = allocate(room);
    if (pointer === 0) throw new RangeError('out of memory');
    // The memory may just have grown. As the driver does when it sends a text: halves of surrogate pairs become U+FFFD.
    const memory = program.HEAPU8;
    const { written } = encoder.encodeInto(text, memory.subarray(pointer, pointer + room - 1));
    memory[pointer + written] = 0;
    const result = parseRaw(pointer);
    if (result === 0) throw new RangeError('out of memory');
    const error = program.getValue(result + 8, 'i32');
    const tree = program.getValue(result, 'i32');
    const answer = error === 0 && tree !== 0 ? program.UTF8ToString(tree) : undefined;
    free(pointer);
    freeResult(result);
    return answer;
  };
}

/**
 * Puts a new program in the place of the broken one, soon: the stack at hand may be full. Until then nothing is parsed.
 */
function restart(): void {
  parser = undefined;
  if (restarting || !start) return;
  const again = start;
  queueMicrotask(() => {
    void again()
      .then(
        (fresh) => (parser = fresh),
        // The next text tries again.
        () => undefined,
      )
      .finally(() => (restarting = false));
  });
  restarting = true;
}
