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
import { storeChecksum } from './checksum.ts';
import { defaultJobs } from './compress.ts';
import { decode, storeEncoded, whole } from './encode.ts';
import {
  backupFileKey,
  backupId,
  backupPrefix,
  backupRecordKey,
  backupsPrefix,
  drillsOfPrefix,
  nameOfKey,
  pinKey,
  pinsPrefix,
  repositoryKey,
  startedKey,
  verifiedKey,
} from './layout.ts';
import { type LogObjects, logObjects } from './log-objects.ts';
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
import { unfinishedBackups } from './unfinished.ts';

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

export interface PutFileOptions {
  /** What comes is compressed with zstd already, and is stored as it comes. */
  isCompressed?: boolean;
  signal?: AbortSignal | undefined;
}

/** The backups and the log of one cluster, in one storage. */
export interface Repository extends LogObjects {
  readonly name: string;
  readonly storage: Storage;
  /** Of zstd, for what is stored from now on. */
  readonly level: number;
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
  putFile(id: string, name: string, source: AsyncIterable<Uint8Array>, options?: PutFileOptions): Promise<StoredFile>;
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
}

export function openRepository(options: RepositoryOptions): Repository {
  const { storage, level = 3, jobs = defaultJobs() } = options;
  const newKeyring = (): Keyring => openKeyring({ recipients: [], identities: [], ...options });
  let keyring = newKeyring();
  let claimed = options.recipients ?? [];
  const isSealed = (key: string): boolean => key.endsWith('.age');

  const read = <Schema extends z.ZodType>(key: string, schema: Schema) => readRecord(storage, key, schema);
  const writeNew = <Schema extends z.ZodType>(key: string, schema: Schema, value: z.output<Schema>) =>
    storeText(storage, key, recordText(schema, value), { onlyNew: true });

  async function readBackup(id: string): Promise<BackupRecord | undefined> {
    const key = backupRecordKey(id);
    const record = await read(key, backupRecord);
    if (!record || record.id === id) return record;
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a record of the repository is that of another backup', {
      detail: `${key} in ${storage.name} is of ${record.id}.`,
    });
  }

  const repository: Repository = {
    ...logObjects({ storage, keyring: () => keyring, level }),
    name: storage.name,
    storage,
    level,
    get recipients() {
      return claimed;
    },
    record: () => read(repositoryKey, repositoryRecord),
    async claim(systemId) {
      // Keys may have come or gone since.
      keyring = newKeyring();
      claimed = await keyring.recipients();
      const found = await repository.record();
      if (found === undefined) {
        const record: RepositoryRecord = { format: 1, systemId, createdAt: new Date() };
        if (await isFirst(writeNew(repositoryKey, repositoryRecord, record))) return;
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
    async putFile(id, name, source, how = {}) {
      // The manifest has names, sizes and checksums only, and whoever makes the next backup needs it without a secret.
      const recipients = name === 'backup_manifest' ? [] : await keyring.recipients();
      const key = backupFileKey(id, name, { encrypted: recipients.length > 0 });
      return storeEncoded(storage, { key, name }, source, { ...how, recipients, level, jobs });
    },
    async putDumpFile(keyOf, source, signal) {
      const recipients = await keyring.recipients();
      const key = keyOf(recipients.length > 0);
      const file = { key, name: nameOfKey(key) };
      return storeEncoded(storage, file, source, { signal, onlyNew: true, recipients, level, jobs });
    },
    async begin(type, parent = null) {
      for (;;) {
        const startedAt = new Date();
        const id = backupId(startedAt, type);
        const isNew = !(await storage.head(backupRecordKey(id)));
        const started = { startedAt, host: hostname(), pid: process.pid, parent };
        if (isNew && (await isFirst(writeNew(startedKey(id), startedRecord, started)))) return { id, startedAt };
        // Another began in the same second.
        await delay(1000);
      }
    },
    async discard(id) {
      if (await storage.head(backupRecordKey(id))) return;
      for await (const { key } of storage.list(backupPrefix(id))) await storage.delete(key);
    },
    async leftovers() {
      return (await unfinishedBackups(storage)).flatMap(({ id, isOver }) => (isOver ? [id] : []));
    },
    async running() {
      return (await unfinishedBackups(storage)).flatMap(({ id, started, isOver }) =>
        started && !isOver ? [{ id, parent: started.parent }] : [],
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
