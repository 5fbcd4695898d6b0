import type { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';
import { type Keyring, openKeyring } from '../keys/index.ts';
import type { Storage } from '../storage/index.ts';
import { byLog } from './by-log.ts';
import { checksumKey, isChecksum, storeChecksum } from './checksum.ts';
import { defaultJobs } from './compress.ts';
import { decode, encode, type EncodeOptions, whole } from './encode.ts';
import { isRunning } from '../is-running.ts';
import {
  backupFileKey,
  backupId,
  backupPrefix,
  backupRecordKey,
  backupsPrefix,
  drillsOfPrefix,
  gapKey,
  gapsPrefix,
  nameOfKey,
  partialName,
  pinKey,
  pinsPrefix,
  repositoryKey,
  startedKey,
  verifiedKey,
  streamKey,
  walKey,
  walPrefix,
} from './layout.ts';
import { named } from './named.ts';
import { readRecord, recordText, storeText } from './record-file.ts';
import {
  type BackupRecord,
  backupRecord,
  type PinRecord,
  pinRecord,
  type RepositoryRecord,
  repositoryRecord,
  startedRecord,
  type StoredFile,
} from './records.ts';
import { brokenChain, otherCluster, removedMeanwhile } from './repository-errors.ts';
import { type GapRecord, gapRecord, type StreamRecord, streamRecord } from './stream-records.ts';

export interface RepositoryOptions {
  storage: Storage;
  /**
   * Who is to be able to read what is stored from now on (`age1…`). Nobody: those whose keys the repository knows, and unencrypted where it knows
   * none.
   */
  recipients?: readonly string[];
  /** Secrets for reading what is encrypted. */
  identities?: Identities;
  /** Opens the repository's own key, which is made when there is none. */
  passphrase?: string | undefined;
  /** Of zstd, from 1 to 19; 3 by default. */
  level?: number | undefined;
  /** So many threads compress a file; one or two by default, as the machine has CPUs. */
  jobs?: number | undefined;
}

/** The backups and the log of one cluster, in one storage. */
export interface Repository {
  readonly name: string;
  readonly storage: Storage;
  /** Who is able to read what is stored from now on: known once it was claimed. */
  readonly recipients: readonly string[];
  /** What it is; `undefined` before anything was stored. */
  record(): Promise<RepositoryRecord | undefined>;
  /**
   * Makes sure that it belongs to the cluster, or takes it for that cluster when it is new; and that there are keys, if any are meant to be.
   * @throws {PitcrewError} `E_CONFLICT` when it belongs to another; `E_BACKUP_KEY` when the passphrase is not its own
   */
  claim(systemId: string): Promise<void>;
  /** All complete backups, oldest first by the server's log. */
  backups(): Promise<BackupRecord[]>;
  /** @throws {PitcrewError} `E_NOT_FOUND` */
  backup(id: string): Promise<BackupRecord>;
  /** A backup and those that it builds on, the full one first. @throws {PitcrewError} `E_BACKUP_DAMAGED` when one of them is missing */
  chain(backup: BackupRecord): Promise<BackupRecord[]>;
  /** Stores a file of a backup that is being made. */
  putFile(id: string, name: string, source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<StoredFile>;
  /** Stores a file that is of no backup. `keyOf`: its key, by whether it is encrypted. */
  putDumpFile(
    keyOf: (encrypted: boolean) => string,
    source: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<StoredFile>;
  /** Begins a backup: its name, which no other has. `parent`: what it builds on stays until it is made. */
  begin(type: BackupRecord['type'], parent?: string | null): Promise<{ id: string; startedAt: Date }>;
  /** Removes what was stored of a backup that did not become complete. */
  discard(id: string): Promise<void>;
  /** Names of backups that did not become complete, and that nobody is making any more. */
  leftovers(): Promise<string[]>;
  /** Those that are being made, and what they build on. */
  running(): Promise<{ id: string; parent: string | null }[]>;
  /** Which backups are to be kept, whatever the calendar says. */
  pins(): Promise<PinRecord[]>;
  /** Replaces the one that is there. */
  putPin(record: PinRecord): Promise<void>;
  /** @returns whether there was one */
  removePin(id: string): Promise<boolean>;
  /** Removes a complete backup: from the first moment on it is not there. */
  remove(id: string): Promise<void>;
  /** Makes a backup complete: from now on it is there. */
  putBackup(record: BackupRecord): Promise<void>;
  /**
   * A file's content.
   * @throws {PitcrewError} while iterating: `E_BACKUP_KEY`, `E_BACKUP_DAMAGED` (when it is missing, too), `E_NOT_FOUND` when the
   * backup was removed meanwhile, `E_STORAGE`
   */
  readFile(file: StoredFile): AsyncIterable<Buffer>;
  /** Stores a complete segment or a history, then its checksum; what is there already stays. */
  putWal(name: string, source: AsyncIterable<Uint8Array>): Promise<StoredFile | 'there'>;
  /** Stores what there is of a segment that is not complete, in place of what was there of it. */
  putPartial(name: string, source: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes the part of a segment, which is complete now. */
  deletePartial(name: string): Promise<void>;
  /** All segments and histories, by timeline and name; what is there of one that is not complete as `NAME.partial`. */
  wal(): AsyncIterable<{ name: string; key: string; bytes: number }>;
  /** Removes a segment or history, by its key, with its checksum. */
  removeWal(key: string): Promise<void>;
  hasWal(name: string): Promise<boolean>;
  /** The content of a segment or history; `undefined` when it is not there. */
  readWal(name: string): Promise<AsyncIterable<Buffer> | undefined>;
  /** How far a stream has brought the log; `undefined` where there was none. */
  stream(): Promise<StreamRecord | undefined>;
  putStream(record: StreamRecord): Promise<void>;
  /** Log that is lost, by timeline and position. */
  gaps(): Promise<GapRecord[]>;
  putGap(record: GapRecord): Promise<void>;
}

export function openRepository(options: RepositoryOptions): Repository {
  const { storage, level = 3, jobs = defaultJobs() } = options;
  const newKeyring = (): Keyring => openKeyring({ recipients: [], identities: [], ...options });
  let keyring = newKeyring();
  let recipients = options.recipients ?? [];
  const isSealed = (key: string): boolean => key.endsWith('.age');

  const read = <Schema extends z.ZodType>(key: string, schema: Schema) => readRecord(storage, key, schema);
  const write = <Schema extends z.ZodType>(
    key: string,
    schema: Schema,
    value: z.output<Schema>,
    { onlyNew = true } = {},
  ) => storeText(storage, key, recordText(schema, value), { onlyNew });

  async function readBackup(id: string): Promise<BackupRecord | undefined> {
    const key = backupRecordKey(id);
    const record = await read(key, backupRecord);
    if (!record || record.id === id) return record;
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a record of the repository is that of another backup', {
      detail: `${key} in ${storage.name} is of ${record.id}.`,
    });
  }

  /** Recipients may have come or gone since it was stored. */
  async function findWal(name: string): Promise<{ key: string; encrypted: boolean } | undefined> {
    for (const encrypted of [true, false]) {
      const key = walKey(name, { encrypted });
      if (await storage.head(key)) return { key, encrypted };
    }
    return undefined;
  }

  async function store(
    key: string,
    name: string,
    source: AsyncIterable<Uint8Array>,
    put: { onlyNew?: boolean; signal?: AbortSignal | undefined },
    how: EncodeOptions,
  ): Promise<StoredFile> {
    const encoded = encode(source, how);
    await storage.put(key, encoded.stored, put);
    return { name, key, ...encoded.result() };
  }

  async function incomplete(): Promise<{ id: string; started: z.output<typeof startedRecord> | undefined }[]> {
    const complete = new Set<string>();
    const all = new Set<string>();
    for await (const { key } of storage.list(backupsPrefix)) {
      const [, id = ''] = key.split('/');
      all.add(id);
      if (key === backupRecordKey(id)) complete.add(id);
    }
    const found: Awaited<ReturnType<typeof incomplete>> = [];
    for (const id of all) {
      if (!complete.has(id)) found.push({ id, started: await read(startedKey(id), startedRecord) });
    }
    return found;
  }

  const repository: Repository = {
    name: storage.name,
    storage,
    get recipients() {
      return recipients;
    },
    record: () => read(repositoryKey, repositoryRecord),
    async claim(systemId) {
      // Keys may have come or gone since.
      keyring = newKeyring();
      recipients = await keyring.recipients();
      const found = await repository.record();
      if (found === undefined) {
        const record: RepositoryRecord = { format: 1, systemId, createdAt: new Date() };
        if (await isFirst(write(repositoryKey, repositoryRecord, record))) return;
      }
      const owner = (found ?? (await repository.record()))?.systemId;
      if (owner !== systemId) throw otherCluster(storage.name, owner ?? 'unknown', systemId);
    },
    async backups() {
      const found: BackupRecord[] = [];
      for await (const { key } of storage.list(backupsPrefix)) {
        const [, id, file] = key.split('/');
        if (id === undefined || key !== backupRecordKey(id) || file === undefined) continue;
        const record = await readBackup(id);
        if (record) found.push(record);
      }
      return found.toSorted(byLog);
    },
    async backup(id) {
      const record = await readBackup(id);
      if (record) return record;
      throw new PitcrewError('E_NOT_FOUND', `there is no backup ${id}`, {
        detail: `Nothing complete of that name is in ${storage.name}.`,
        hint: '"pitcrew backup list" lists what is there.',
      });
    },
    async chain(backup) {
      const chain = [backup];
      for (let { parent } = backup; parent !== null;) {
        const found: BackupRecord | undefined = await readBackup(parent);
        if (!found || chain.some(({ id }) => id === found.id)) throw brokenChain(backup.id, parent);
        chain.unshift(found);
        ({ parent } = found);
      }
      return chain;
    },
    async putFile(id, name, source, signal) {
      // The manifest has names, sizes and checksums only, and whoever makes the next backup needs it without a secret.
      const to = name === 'backup_manifest' ? [] : await keyring.recipients();
      const key = backupFileKey(id, name, { encrypted: to.length > 0 });
      return store(key, name, source, { signal }, { recipients: to, level, jobs });
    },
    async putDumpFile(keyOf, source, signal) {
      const to = await keyring.recipients();
      const key = keyOf(to.length > 0);
      return store(key, nameOfKey(key), source, { signal, onlyNew: true }, { recipients: to, level, jobs });
    },
    async begin(type, parent = null) {
      for (;;) {
        const startedAt = new Date();
        const id = backupId(startedAt, type);
        const isNew = !(await storage.head(backupRecordKey(id)));
        const started = { startedAt, host: hostname(), pid: process.pid, parent };
        if (isNew && (await isFirst(write(startedKey(id), startedRecord, started)))) return { id, startedAt };
        // Another began in the same second.
        await delay(1000);
      }
    },
    async discard(id) {
      if (await storage.head(backupRecordKey(id))) return;
      for await (const { key } of storage.list(backupPrefix(id))) await storage.delete(key);
    },
    async leftovers() {
      return (await incomplete()).flatMap(({ id, started }) => (isOver(started) ? [id] : []));
    },
    async running() {
      return (await incomplete()).flatMap(({ id, started }) =>
        started && !isOver(started) ? [{ id, parent: started.parent }] : [],
      );
    },
    async pins() {
      const found: PinRecord[] = [];
      for await (const { key } of storage.list(pinsPrefix)) {
        const record = await read(key, pinRecord);
        if (record) found.push(record);
      }
      return found;
    },
    putPin: (record) => storeText(storage, pinKey(record.id), recordText(pinRecord, record)),
    async removePin(id) {
      const isThere = (await storage.head(pinKey(id))) !== undefined;
      if (isThere) await storage.delete(pinKey(id));
      return isThere;
    },
    async remove(id) {
      await storage.delete(backupRecordKey(id));
      await repository.discard(id);
      for await (const { key } of storage.list(drillsOfPrefix(id))) await storage.delete(key);
      await storage.delete(verifiedKey(id));
      await storage.delete(pinKey(id));
    },
    async putBackup(record) {
      const key = backupRecordKey(record.id);
      const text = recordText(backupRecord, record);
      await storeChecksum(storage, key, createHash('sha256').update(text).digest('hex'));
      await storeText(storage, key, text, { onlyNew: true });
      await storage.delete(startedKey(record.id));
    },
    async *readFile({ key, bytes }) {
      try {
        const content = decode(storage.get(key), { encrypted: isSealed(key), identities: keyring.identities });
        yield* named(key, whole(content, bytes));
      } catch (error) {
        const [, id = ''] = key.split('/');
        if (await storage.head(backupRecordKey(id))) throw error;
        throw removedMeanwhile(id, error);
      }
    },
    async putWal(name, source) {
      try {
        const to = await keyring.recipients();
        const key = walKey(name, { encrypted: to.length > 0 });
        const stored = await store(key, name, source, { onlyNew: true }, { recipients: to, level, jobs: 1 });
        await storeChecksum(storage, key, stored.sha256);
        return stored;
      } catch (error) {
        if (error instanceof PitcrewError && error.code === 'E_CONFLICT') return 'there';
        throw error;
      }
    },
    async readWal(name) {
      const found = await findWal(name);
      if (!found) return undefined;
      return named(
        found.key,
        decode(storage.get(found.key), { encrypted: found.encrypted, identities: keyring.identities }),
      );
    },
    async putPartial(name, source) {
      const part = partialName(name);
      const to = await keyring.recipients();
      await store(walKey(part, { encrypted: to.length > 0 }), part, source, {}, { recipients: to, level, jobs: 1 });
    },
    async deletePartial(name) {
      for (const encrypted of [true, false]) await storage.delete(walKey(partialName(name), { encrypted }));
    },
    stream: () => read(streamKey, streamRecord),
    putStream: (record) => write(streamKey, streamRecord, record, { onlyNew: false }),
    async gaps() {
      const found: GapRecord[] = [];
      for await (const { key } of storage.list(gapsPrefix)) {
        const record = await read(key, gapRecord);
        if (record) found.push(record);
      }
      return found;
    },
    putGap: (record) => write(gapKey(record.first), gapRecord, record, { onlyNew: false }),
    hasWal: async (name) => (await findWal(name)) !== undefined,
    async *wal() {
      for await (const { key, bytes } of storage.list(walPrefix)) {
        if (!isChecksum(key)) yield { name: nameOfKey(key), key, bytes };
      }
    },
    async removeWal(key) {
      // What is left of a removal that died is a segment like any other.
      await storage.delete(checksumKey(key));
      await storage.delete(key);
    },
  };
  return repository;
}

/** Whether something was stored, rather than refused because it is there already. */
async function isFirst(stored: Promise<unknown>): Promise<boolean> {
  try {
    await stored;
    return true;
  } catch (error) {
    if (error instanceof PitcrewError && error.code === 'E_CONFLICT') return false;
    throw error;
  }
}

/** No backup takes so long; of a maker on another machine nothing else is known. */
const longestMs = 7 * 86_400_000;

/** Whether nobody makes it any more. Without a record its maker was removing it. */
function isOver(started: z.output<typeof startedRecord> | undefined): boolean {
  if (!started || Date.now() - started.startedAt.getTime() > longestMs) return true;
  return started.host === hostname() && !isRunning(started.pid);
}
