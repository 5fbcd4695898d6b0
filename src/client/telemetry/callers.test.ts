import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { testFolder } from '../../../test/support/folder.ts';

const callers = pathToFileURL(join(import.meta.dirname, 'callers.ts')).href;

/** Runs an application's files in a process of its own, and gives what its main file prints. */
function run(files: Record<string, string>, ...flags: string[]): unknown {
  const folder = testFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return JSON.parse(execFileSync(process.execPath, [...flags, 'main.mjs'], { cwd: folder, encoding: 'utf8' }));
}

const watch = `import { Callers } from '${callers}';
export const callers = new Callers(['src/db/']);
export function started() { return callers.line(started); }
export function startedFor(resolve) { resolve(started()); }
`;

test('the line is the first that is neither of a package, nor of Node, nor passed over', () => {
  const lines = run({
    'src/db/watch.mjs': watch,
    'src/db/wrapper.mjs': `import { find } from 'orm';
export const load = (id) => find(id);
`,
    'node_modules/orm/package.json': '{ "name": "orm", "type": "module", "exports": "./index.js" }',
    'node_modules/orm/index.js': `import { started } from '../../src/db/watch.mjs';
export async function findLater(id) { await null; return started(); }
export function find(id, depth = 40) { return depth > 0 ? find(id, depth - 1) : started(); }
`,
    'src/orders.mjs': `import { load } from './db/wrapper.mjs';
import { findLater } from 'orm';
export function orders() {
  return load(1);
}
export async function later() {
  return await findLater(1);
}
`,
    'main.mjs': `import { later, orders } from './src/orders.mjs';
import { started } from './src/db/watch.mjs';
const before = [Error.stackTraceLimit, Error.prepareStackTrace];
const found = [orders(), await later(), await new Promise((resolve) => setImmediate(() => resolve(started())))];
const kept = before[0] === Error.stackTraceLimit && before[1] === Error.prepareStackTrace;
console.log(JSON.stringify([...found, kept]));
`,
  });
  expect(lines).toEqual(['src/orders.mjs:4', 'src/orders.mjs:7', 'main.mjs:4', true]);
});

test('packages that are the application’s own can be the line', () => {
  const lines = run({
    'watch.mjs': watch.replace("['src/db/']", "[/orders\\/log\\./], ['/@acme/']"),
    'node_modules/@acme/orders/package.json': '{ "name": "@acme/orders", "type": "module", "exports": "./index.js" }',
    'node_modules/@acme/orders/index.js': `import { started } from '../../../watch.mjs';
import { logged } from './log.js';
export const find = () => [started(), logged(started)];
`,
    'node_modules/@acme/orders/log.js': 'export const logged = (work) => work();',
    'main.mjs': `import { find } from '@acme/orders';
console.log(JSON.stringify(find()));
`,
  });
  expect(lines).toEqual(['@acme/orders/index.js:3', '@acme/orders/index.js:3']);
});

test('nothing is found where only packages called, and a frozen Error does no harm', () => {
  const lines = run({
    'src/db/watch.mjs': watch,
    'main.mjs': `import { started, startedFor } from './src/db/watch.mjs';
const alone = await new Promise((resolve) => setImmediate(startedFor, resolve));
Object.freeze(Error);
console.log(JSON.stringify({ alone, frozen: started() }));
`,
  });
  expect(lines).toEqual({});
});

test('behind a source map it is the line of the original, where Node follows maps', () => {
  const generated = `import { started } from './src/db/watch.mjs';
/* made */ export function orders() { return started(); }
console.log(JSON.stringify(orders()));
//# ${'sourceMappingURL'}=main.mjs.map
`;
  // Line 2 of what runs is line 41 of src/orders.ts (40 lines after the first); line 3 is line 50.
  const map = { version: 3, file: 'main.mjs', sources: ['src/orders.ts'], names: [], mappings: ';AAwCA;AASA' };
  const files = { 'src/db/watch.mjs': watch, 'main.mjs': generated, 'main.mjs.map': JSON.stringify(map) };
  expect(run(files, '--enable-source-maps')).toBe('src/orders.ts:41');
  expect(run(files)).toBe('main.mjs:2');
});
