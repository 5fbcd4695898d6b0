import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

/** From the bottom up. A file may import from its own layer and from those before it. */
const layers = ['errors', 'config', 'sql', 'engine', 'client', 'testing', 'ops', 'server', 'cli'];

/** The part of `src/` in which a file lives: its top folder, or its own name beside index.ts. */
function layerOf(file: string): string {
  return file.split('/')[0]?.replace(/\.ts$/, '') ?? '';
}

/** A room of `ops/`: `ops/monitor`. Other layers are one room each. */
function roomOf(file: string): string {
  return layerOf(file) === 'ops' ? file.split('/').slice(0, 2).join('/') : layerOf(file);
}

const files = globSync('**/*.ts', { cwd: source });
const imports = files.flatMap((file) => {
  const text = readFileSync(join(source, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map((match) => match[1] ?? '');
  return specifiers.map((specifier) => ({ file, target: relative(source, join(source, dirname(file), specifier)) }));
});

test('there are imports to look at', () => {
  expect(imports.length).toBeGreaterThan(50);
});

test('imports run downwards only: cli → server → ops → client → engine → sql → config, errors', () => {
  const inside = imports.filter(({ file, target }) => file !== 'index.ts' && !target.startsWith('..'));
  // The suites that we publish are for our own tests as well.
  const isTest = ({ file, target }: { file: string; target: string }) =>
    file.endsWith('.test.ts') && target === 'testing/index.ts';
  const upwards = inside
    .filter((each) => !isTest(each))
    .filter(({ file, target }) => layers.indexOf(layerOf(file)) < layers.indexOf(layerOf(target)));
  expect(upwards).toEqual([]);
  const unknown = files.filter((file) => file !== 'index.ts' && !layers.includes(layerOf(file)));
  expect(unknown, 'every folder of src/ has its place in the order').toEqual([]);
});

test('rooms of ops/ meet through their index.ts only', () => {
  const crossing = imports.filter(({ file, target }) => target.startsWith('ops/') && roomOf(file) !== roomOf(target));
  // What PostgreSQL starts for every segment of the log has a door of its own: through the other one all of a room is loaded.
  const others = ['ops/backup/fetch/index.ts'];
  const reachingInside = crossing.filter(
    ({ target }) => target !== `${roomOf(target)}/index.ts` && !others.includes(target),
  );
  expect(reachingInside.filter(({ file }) => !file.endsWith('.test.ts'))).toEqual([]);
});

test('the application side never imports the operator side', () => {
  const forbidden = ['ops', 'server', 'cli'];
  const fromApplication = imports.filter(({ file }) => ['client', 'engine', 'sql'].includes(layerOf(file)));
  expect(fromApplication.filter(({ target }) => forbidden.includes(layerOf(target)))).toEqual([]);
});

test('no file of the program is longer than 400 lines', () => {
  const long = globSync(['src/**/*.ts', 'ui/src/**/*.{ts,tsx}', 'bench/**/*.ts'], { cwd: root })
    .filter((file) => !file.includes('node_modules') && !file.endsWith('.test.ts'))
    .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').split('\n').length }))
    .filter(({ lines }) => lines > 401);
  expect(long).toEqual([]);
});
