// Runs a task of this repository (`npm start`, `npm test`, …) with the repository's own Node, whatever Node the
// machine has. Plain JavaScript without dependencies, because it must work before anything is installed.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stamp = join(modules, '.installed');
const pinnedNode = join(modules, 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');

/** True when node_modules was installed, by us or by hand, from the lock file as it stands now. */
function isInstalled(lockHash) {
  return existsSync(pinnedNode) && existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash;
}

function install() {
  const lockHash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (isInstalled(lockHash)) return;
  process.stderr.write('Installing dependencies (first run, or the lock file changed) …\n');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' });
  if (result.status !== 0) {
    process.stderr.write('Could not install the dependencies: "npm ci" failed, see above.\n');
    process.exit(result.status ?? 1);
  }
  if (!existsSync(pinnedNode)) {
    process.stderr.write(
      `The pinned Node is missing at ${pinnedNode}: were install scripts disabled (ignore-scripts)?\n`,
    );
    process.exit(1);
  }
  writeFileSync(stamp, lockHash);
}

install();
const separator = process.platform === 'win32' ? ';' : ':';
const [task = '', ...args] = process.argv.slice(2);
const child = spawn(pinnedNode, [join(root, 'scripts', 'tasks.ts'), task, ...args], {
  cwd: root,
  env: { ...process.env, PATH: `${dirname(pinnedNode)}${separator}${process.env.PATH ?? ''}` },
  stdio: 'inherit',
});
// A terminal sends Ctrl-C to the child as well; a supervisor's signal reaches only this process.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
});
