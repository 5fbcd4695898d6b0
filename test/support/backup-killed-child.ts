import { createBackup } from '../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { restoreBackup } from '../../src/ops/backup/restore/restore-backup.ts';
import { prune } from '../../src/ops/backup/retention/prune.ts';
import { localStorage, type Storage } from '../../src/ops/backup/storage/index.ts';

/** Makes, prunes or restores a backup, and dies at a step: `node backup-killed-child.ts JSON`. Ends with 0 when there is no such step. */
export interface KilledJob {
  what: 'create' | 'prune' | 'restore';
  path: string;
  /** A pattern for the step, such as `in base.tar`, `after started.json`, `before delete` or `50 %`. */
  step: string;
  /** The step is met for so many times before. */
  skip?: number;
  url: string;
  recipient: string;
  identity: string;
  to?: string;
  tablespaceMap?: Record<string, string>;
}

const job = JSON.parse(process.argv[2] ?? '') as KilledJob;
let left = job.skip ?? 0;

function reached(step: string): void {
  if (!new RegExp(job.step).test(step)) return;
  left -= 1;
  if (left >= 0) return;
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}

const local = localStorage(job.path);
const storage: Storage = {
  ...local,
  async put(key, source, options) {
    reached(`before put ${key}`);
    const watched = async function* () {
      for await (const piece of source) {
        yield piece;
        reached(`in ${key}`);
      }
    };
    const bytes = await local.put(key, watched(), options);
    reached(`after put ${key}`);
    return bytes;
  },
  async delete(key) {
    reached(`before delete ${key}`);
    await local.delete(key);
    reached(`after delete ${key}`);
  },
};
const { url, recipient, identity, to = '' } = job;
const repository = openRepository({ storage, recipients: [recipient], identities: [identity] });

if (job.what === 'create') await createBackup({ url, repository, madeBy: 'a test', type: 'incremental' });
else if (job.what === 'prune') {
  const none = { daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };
  await prune(repository, { policy: { last: 1, ...none }, dryRun: false });
} else {
  const backup = (await repository.backups()).at(-1);
  if (!backup) throw new Error('there is no backup');
  await restoreBackup({
    repository,
    backup,
    to,
    tablespaceMap: new Map(Object.entries(job.tablespaceMap ?? {})),
    restoreCommand: ['false'],
    onProgress: ({ doneBytes, totalBytes }) => reached(`${Math.floor((doneBytes / totalBytes) * 100)} %`),
  });
}
