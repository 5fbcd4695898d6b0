import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../src/ops/backup/repository/index.ts';
import { planRestore } from '../../../src/ops/backup/restore/plan.ts';
import { restoreBackup } from '../../../src/ops/backup/restore/restore-backup.ts';
import { fetchWal } from '../../../src/ops/backup/wal/fetch.ts';
import { segmentNames } from '../../../src/ops/backup/wal/segments.ts';
import { backedUp, type BackedUp, problemsIn } from '../../support/backup-chain.ts';

const stack = new AsyncDisposableStack();
let it: BackedUp;
/** Oldest first: a full backup and two on top of it. */
let chain: BackupRecord[];

beforeAll(async () => {
  it = stack.use(await backedUp());
  chain = [await it.backUp('full'), await it.backUp('incremental'), await it.backUp('incremental')];
});
afterAll(() => stack.disposeAsync());

/** What can happen to a stored object; `other`: one of the same kind, just as valid. */
const faults: Record<string, (path: string, content: Buffer, other: Buffer) => void> = {
  'cut off': (path, { length }) => truncateSync(path, length - 1),
  'cut in half': (path, { length }) => truncateSync(path, Math.floor(length / 2)),
  empty: (path) => truncateSync(path, 0),
  'changed in one bit': (path, content) => {
    const changed = Buffer.from(content);
    const at = Math.floor(content.length / 2);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(path, changed);
  },
  missing: (path) => rmSync(path),
  'another one': (path, _content, other) => writeFileSync(path, other),
};

/** A restore reads the whole chain: these tell it in different ways. */
const isTried = ['cut off', 'changed in one bit', 'missing', 'another one'];
/** Leave nothing that could be read as that record: a checksum is for the rest. */
const unreadable = ['cut in half', 'empty', 'missing', 'another one'];

async function damaged<Result>(
  key: string,
  other: string,
  fault: string,
  look: () => Promise<Result>,
): Promise<Result> {
  const path = join(it.path, key);
  const content = readFileSync(path);
  faults[fault]?.(path, content, readFileSync(join(it.path, other)));
  try {
    return await look();
  } finally {
    writeFileSync(path, content);
  }
}

/** @returns what it is refused with */
async function restore(): Promise<unknown> {
  const to = join(it.folder, 'restored');
  const tablespaceMap = new Map([[it.place, join(it.folder, 'restored elsewhere')]]);
  const [, , backup] = chain;
  if (!backup) throw new Error('there is no such backup');
  const refused = await restoreBackup({
    repository: it.repository,
    backup,
    to,
    tablespaceMap,
    restoreCommand: ['false'],
  }).then(
    () => 'nothing',
    (error: unknown) => error,
  );
  expect(existsSync(to)).toBe(false);
  expect(readdirSync(it.folder).toSorted()).toEqual(['key', 'repository', 'tablespace']);
  return refused;
}

test('whatever happens to a file of a member of the chain is found by a check, and nothing is restored', async () => {
  expect(await problemsIn(it.repository)).toEqual([]);
  let cases = 0;
  for (const [place, { id, files }] of chain.entries()) {
    const others = chain[(place + 1) % chain.length]?.files ?? [];
    for (const { name, key } of files) {
      const other = others.find((file) => file.name === name)?.key ?? '';
      for (const fault of Object.keys(faults)) {
        const { problems, refused } = await damaged(key, other, fault, async () => ({
          problems: await problemsIn(it.repository),
          refused: isTried.includes(fault) ? await restore() : undefined,
        }));
        const what = `${key}, ${fault}`;
        // Beside it are told those that build on it, by name.
        expect(
          problems.filter((each) => each.includes('/')),
          what,
        ).toEqual([key]);
        cases += 1;
        if (!isTried.includes(fault)) continue;
        expect(refused, what).toMatchObject({ code: 'E_BACKUP_DAMAGED' });
        // By its key, or by the backup where it is only the content that does not fit.
        expect(String(Object(refused).detail) + String(refused), what).toContain(id);
      }
    }
  }
  expect(cases).toBe(3 * 3 * 6);
});

test('a record that is damaged, gone or of another backup is no backup', async () => {
  for (const [place, { id }] of chain.entries()) {
    const record = (of: string | undefined): string => `backups/${of ?? ''}/backup.json`;
    const other = record(chain[(place + 1) % chain.length]?.id);
    for (const fault of unreadable) {
      await damaged(record(id), other, fault, async () => {
        const what = `${id}, ${fault}`;
        const isLast = place === chain.length - 1;
        // It is given to a restore that asks for it.
        if (!isLast)
          expect(await restore(), what).toMatchObject({
            code: 'E_BACKUP_DAMAGED',
            detail: expect.stringContaining(id),
          });
        if (fault === 'missing') {
          await expect(it.repository.backup(id), what).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
        } else {
          await expect(it.repository.backup(id), what).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
          expect((await problemsIn(it.repository)).join(), what).toContain(id);
        }
      });
    }
    for (const fault of ['cut off', 'changed in one bit']) {
      const problems = await damaged(record(id), other, fault, () => problemsIn(it.repository));
      expect(problems.join(), `${id}, ${fault}`).toContain(record(id));
    }
    // It can still be read.
    expect(await damaged(record(id), other, 'cut off', restore), id).toMatchObject({
      code: 'E_BACKUP_DAMAGED',
      detail: expect.stringContaining(record(id)),
    });
    const { plan } = await damaged(`${record(id)}.sha256`, other, 'missing', async () => {
      const [, , backup] = await it.repository.backups();
      if (!backup) throw new Error('there is no such backup');
      return planRestore({ repository: it.repository, backup, to: join(it.folder, 'restored') });
    });
    expect(plan.uncheckedRecords).toEqual([id]);
  }
});

test('a segment of the log that is damaged or another one is not taken for the end of it', async () => {
  const segments = chain.flatMap(({ timeline, startLsn, endLsn, segmentBytes }) =>
    segmentNames(timeline, startLsn, endLsn, segmentBytes),
  );
  const keyOf = (name: string | undefined): string => `wal/00000001/${name ?? ''}.zst.age`;
  const to = join(it.folder, 'fetched');
  for (const [place, name] of segments.entries()) {
    const other = keyOf(segments[(place + 1) % segments.length]);
    for (const fault of Object.keys(faults)) {
      await damaged(keyOf(name), other, fault, async () => {
        const fetched = fetchWal(it.repository, name, to);
        const what = `${name}, ${fault}`;
        if (fault === 'missing') expect(await fetched, what).toBe(false);
        else {
          await expect(fetched, what).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
          await expect(fetched, what).rejects.toHaveProperty(
            fault === 'another one' ? 'message' : 'detail',
            expect.stringContaining(name),
          );
        }
        expect((await problemsIn(it.repository)).join(), what).toContain(name);
        expect(readdirSync(it.folder).filter((file) => file.startsWith('fetched'))).toEqual([]);
      });
    }
    expect(await fetchWal(it.repository, name, to)).toBe(true);
    rmSync(to);
  }
});
