// The repository's tasks, run by scripts/run.mjs with the pinned Node. `node scripts/tasks.ts TASK [ARGS]`.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

/** Runs a program with this terminal's input and output; leaves with its exit code when it fails. */
function run(command: string, ...args: string[]): void {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const builtStamp = join(root, 'dist', '.built');

function isBuilt(): boolean {
  if (!existsSync(builtStamp)) return false;
  const built = statSync(builtStamp).mtimeMs;
  const sources = globSync(['src/**/*', 'ui/src/**/*', 'ui/*.{ts,html,json}', 'tsconfig*.json', 'package-lock.json'], {
    cwd: root,
  });
  return sources.every((file) => statSync(join(root, file)).mtimeMs <= built);
}

function build(): void {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(bin('tsc'), '-p', 'tsconfig.build.json');
  run(bin('vite'), 'build', 'ui', '--logLevel', 'warn');
  writeFileSync(builtStamp, '');
}

function buildIfStale(): void {
  if (isBuilt()) return;
  process.stderr.write('Building …\n');
  build();
}

const tasks: Record<string, (args: string[]) => Promise<void> | void> = {
  /** The demo, or the daemon on the user's own database when DATABASE_URL is set. */
  async start(args) {
    buildIfStale();
    const command = process.env.DATABASE_URL ? 'serve' : 'demo';
    process.argv = [process.argv[0] ?? 'node', 'pitcrew', command, ...args];
    await import(join(root, 'dist', 'cli', 'main.js'));
  },
  build,
  test(args) {
    buildIfStale();
    run(bin('vitest'), 'run', ...args);
  },
  check() {
    run(bin('oxfmt'), '--check');
    run(bin('oxlint'), '--deny-warnings');
    run(bin('tsc'), '-p', 'tsconfig.json');
    run(bin('tsc'), '-p', 'ui/tsconfig.json');
    run(bin('knip'));
  },
  format() {
    run(bin('oxfmt'));
    run(bin('oxlint'), '--fix', '--deny-warnings');
  },
  bench(args) {
    buildIfStale();
    run(process.execPath, join(root, 'bench', 'run.ts'), ...args);
  },
  docs() {
    for (const name of ['configuration-docs.ts', 'api-docs.ts', 'checks-docs.ts'])
      run(process.execPath, join(root, 'scripts', name));
  },
};

const [name = '', ...args] = process.argv.slice(2);
const task = tasks[name];
if (!task) {
  process.stderr.write(`Unknown task "${name}". Tasks: ${Object.keys(tasks).join(', ')}\n`);
  process.exit(2);
}
await task(args);
