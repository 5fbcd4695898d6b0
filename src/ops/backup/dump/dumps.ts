import { PitcrewError } from '../../../errors.ts';
import {
  type DumpRecord,
  dumpRecord,
  readRecord,
  recordText,
  type Repository,
  storeText,
} from '../repository/index.ts';

const dumpsPrefix = 'dumps/';
const dumpPrefix = (id: string): string => `${dumpsPrefix}${id}/`;
/** Stored last: without it there is no dump. */
const dumpRecordKey = (id: string): string => `${dumpPrefix(id)}dump.json`;

/** Where the file of a dump is. */
export const dumpFileKey = (id: string, encrypted: boolean): string =>
  `${dumpPrefix(id)}database.dump.zst${encrypted ? '.age' : ''}`;

/** `20261130T014500123Z-dump-shop`: several can be made within a second. What a key cannot have is left out of the name. */
export function dumpId(at: Date, database: string): string {
  const name = database.replaceAll(/[^A-Za-z0-9_.-]+/g, '_').slice(0, 40);
  return `${at.toISOString().replaceAll(/[-:.]/g, '')}-dump-${name}`;
}

/** All that are complete, the oldest first by the server's log. */
export async function readDumps({ storage }: Repository): Promise<DumpRecord[]> {
  const found: DumpRecord[] = [];
  for await (const { key } of storage.list(dumpsPrefix)) {
    const [, id = ''] = key.split('/');
    if (key !== dumpRecordKey(id)) continue;
    const record = await readRecord(storage, key, dumpRecord);
    if (record) found.push(record);
  }
  return found.toSorted(byDumpLog);
}

/** Orders dumps by where the server's log was, the oldest first. */
export function byDumpLog(a: DumpRecord, b: DumpRecord): number {
  // A server that was taken back in time goes on from there on a later timeline.
  if (a.timeline !== b.timeline && a.timeline !== null && b.timeline !== null) return a.timeline - b.timeline;
  if (a.lsn === b.lsn) return a.id < b.id ? -1 : 1;
  return a.lsn < b.lsn ? -1 : 1;
}

/** @throws {PitcrewError} `E_NOT_FOUND` */
export async function readDump(repository: Repository, id: string): Promise<DumpRecord> {
  const record = await readRecord(repository.storage, dumpRecordKey(id), dumpRecord);
  if (record) return record;
  throw new PitcrewError('E_NOT_FOUND', `there is no dump ${id}`, {
    detail: `Nothing complete of that name is in ${repository.name}.`,
    hint: '"pitcrew backup list" lists what is there.',
  });
}

/** Makes a dump complete. */
export async function putDump({ storage }: Repository, record: DumpRecord): Promise<void> {
  await storeText(storage, dumpRecordKey(record.id), recordText(dumpRecord, record), { onlyNew: true });
}

/** From the first moment on it is not there. */
export async function removeDump({ storage }: Repository, id: string): Promise<void> {
  await storage.delete(dumpRecordKey(id));
  for await (const { key } of storage.list(dumpPrefix(id))) await storage.delete(key);
}

/** No dump takes so long between its file and its record. */
const longestMs = 86_400_000;

/** Files of dumps whose maker died before they were complete. */
export async function leftOfDumps({ storage }: Repository): Promise<string[]> {
  const complete = new Set<string>();
  const files: { key: string; id: string; modifiedAt: Date }[] = [];
  for await (const { key, modifiedAt } of storage.list(dumpsPrefix)) {
    const [, id = ''] = key.split('/');
    if (key === dumpRecordKey(id)) complete.add(id);
    else files.push({ key, id, modifiedAt });
  }
  return files.flatMap(({ key, id, modifiedAt }) =>
    !complete.has(id) && Date.now() - modifiedAt.getTime() > longestMs ? [key] : [],
  );
}
