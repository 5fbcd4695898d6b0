import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** Restores the latest backup, and dies at a step of what it does to files: `node placing-killed-child.ts JSON`. Ends with 0 when there is no such step. */
export interface KilledPlacing {
  path: string;
  identity: string;
  to: string;
  tablespaceMap: Record<string, string>;
  /** Patterns for steps such as `after rename PATH to PATH`; it dies at the first that fits when all those before have been met. */
  steps: string[];
}

const { path, identity, to, tablespaceMap, steps } = JSON.parse(process.argv[2] ?? '') as KilledPlacing;

function reached(step: string): void {
  const [next] = steps;
  if (next === undefined || !new RegExp(next).test(step)) return;
  steps.shift();
  if (steps.length > 0) return;
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

// What is loaded after this calls these.
for (const name of ['rename', 'rm', 'rmdir'] as const) {
  const call = fs[name] as (...args: string[]) => Promise<void>;
  Object.assign(fs, {
    async [name](...args: string[]) {
      const step = `${name} ${args.filter((arg) => typeof arg === 'string').join(' to ')}`;
      reached(`before ${step}`);
      await call(...args);
      reached(`after ${step}`);
    },
  });
}
syncBuiltinESMExports();

const { openRepository } = await import('../../src/ops/backup/repository/index.ts');
const { restoreBackup } = await import('../../src/ops/backup/restore/restore-backup.ts');
const { localStorage } = await import('../../src/ops/backup/storage/index.ts');
const repository = openRepository({ storage: localStorage(path), identities: [identity] });
const backup = (await repository.backups()).at(-1);
if (!backup) throw new Error('there is no backup');
await restoreBackup({
  repository,
  backup,
  to,
  tablespaceMap: new Map(Object.entries(tablespaceMap)),
  restoreCommand: ['false'],
});
