import type { Buffer } from 'node:buffer';
import { hostname } from 'node:os';
import { text as readAll } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { errorCode, messageOf, PitcrewError } from '../../../errors.ts';
import type { Identities } from '../age/index.ts';
import { type Keyring, openKeyring } from '../keys/index.ts';
import type { Storage } from '../storage/index.ts';
import { byLog } from './by-log.ts';
import { decode, encode, type EncodeOptions } from './encode.ts';
import {
  backupFileKey,
  backupId,
  backupPrefix,
  backupRecordKey,
  backupsPrefix,
  nameOfKey,
  repositoryKey,
  startedKey,
  walKey,
  walPrefix,
} from './layout.ts';
import { writeRecord } from './record-file.ts';
import {
  type BackupRecord,
  backupRecord,
  type RepositoryRecord,
  repositoryRecord,
  startedRecord,
  type StoredFile,
} from './records.ts';

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
  level?: number;
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
  /** Begins a backup: its name, which no other has. */
  begin(type: BackupRecord['type']): Promise<{ id: string; startedAt: Date }>;
  /** Removes what was stored of a backup that did not become complete. */
  discard(id: string): Promise<void>;
  /** Names of backups that did not become complete, and that nobody is making any more. */
  leftovers(): Promise<string[]>;
  /** Removes a complete backup: from the first moment on it is not there. */
  remove(id: string): Promise<void>;
  /** Makes a backup complete: from now on it is there. */
  putBackup(record: BackupRecord): Promise<void>;
  /** A file's content. @throws {PitcrewError} while iterating: `E_BACKUP_KEY`, `E_BACKUP_DAMAGED`, `E_NOT_FOUND`, `E_STORAGE` */
  readFile(file: StoredFile): AsyncIterable<Buffer>;
  /** Stores a complete segment or a history; what is there already stays. */
  putWal(name: string, source: AsyncIterable<Uint8Array>): Promise<StoredFile | 'there'>;
  /** All segments and histories, by timeline and name. */
  wal(): AsyncIterable<{ name: string; key: string; bytes: number }>;
  hasWal(name: string): Promise<boolean>;
  /** The content of a segment or history; `undefined` when it is not there. */
  readWal(name: string): Promise<AsyncIterable<Buffer> | undefined>;
}

export function openRepository(options: RepositoryOptions): Repository {
  const { storage, level = 3 } = options;
  const newKeyring = (): Keyring => openKeyring({ recipients: [], identities: [], ...options });
  let keyring = newKeyring();
  let recipients = options.recipients ?? [];
  const isSealed = (key: string): boolean => key.endsWith('.age');

  async function read<Schema extends z.ZodType>(key: string, schema: Schema): Promise<z.output<Schema> | undefined> {
    if (!(await storage.head(key))) return undefined;
    const content = await readAll(storage.get(key));
    try {
      return schema.parse(JSON.parse(content));
    } catch (error) {
      throw new PitcrewError('E_BACKUP_DAMAGED', 'a record of the repository cannot be read', {
        detail: `${key} in ${storage.name}: ${messageOf(error)}`,
        cause: error,
      });
    }
  }

  const write = <Schema extends z.ZodType>(key: string, schema: Schema, value: z.output<Schema>): Promise<void> =>
    writeRecord(storage, key, schema, value, { onlyNew: true });

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
        const record = await read(key, backupRecord);
        if (record) found.push(record);
      }
      return found.toSorted(byLog);
    },
    async backup(id) {
      const record = await read(backupRecordKey(id), backupRecord);
      if (record) return record;
      throw new PitcrewError('E_NOT_FOUND', `there is no backup ${id}`, {
        detail: `Nothing complete of that name is in ${storage.name}.`,
        hint: '"pitcrew backup list" lists what is there.',
      });
    },
    async chain(backup) {
      const chain = [backup];
      for (let { parent } = backup; parent !== null;) {
        const found: BackupRecord | undefined = await read(backupRecordKey(parent), backupRecord);
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
      return store(key, name, source, { signal }, { recipients: to, level });
    },
    async begin(type) {
      for (;;) {
        const startedAt = new Date();
        const id = backupId(startedAt, type);
        const isNew = !(await storage.head(backupRecordKey(id)));
        const started = { startedAt, host: hostname(), pid: process.pid };
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
      const complete = new Set<string>();
      const all = new Set<string>();
      for await (const { key } of storage.list(backupsPrefix)) {
        const [, id = ''] = key.split('/');
        all.add(id);
        if (key === backupRecordKey(id)) complete.add(id);
      }
      const left: string[] = [];
      for (const id of all) {
        if (!complete.has(id) && isOver(await read(startedKey(id), startedRecord))) left.push(id);
      }
      return left;
    },
    async remove(id) {
      await storage.delete(backupRecordKey(id));
      await repository.discard(id);
    },
    async putBackup(record) {
      await write(backupRecordKey(record.id), backupRecord, record);
      await storage.delete(startedKey(record.id));
    },
    readFile: ({ key }) => decode(storage.get(key), { encrypted: isSealed(key), identities: keyring.identities }),
    async putWal(name, source) {
      try {
        const to = await keyring.recipients();
        const key = walKey(name, { encrypted: to.length > 0 });
        return await store(key, name, source, { onlyNew: true }, { recipients: to, level });
      } catch (error) {
        if (error instanceof PitcrewError && error.code === 'E_CONFLICT') return 'there';
        throw error;
      }
    },
    async readWal(name) {
      const found = await findWal(name);
      return found && decode(storage.get(found.key), { encrypted: found.encrypted, identities: keyring.identities });
    },
    hasWal: async (name) => (await findWal(name)) !== undefined,
    async *wal() {
      for await (const { key, bytes } of storage.list(walPrefix)) yield { name: nameOfKey(key), key, bytes };
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

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function brokenChain(id: string, parent: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} cannot be restored`, {
    detail: `It builds on ${parent}, which is not there.`,
  });
}

function otherCluster(name: string, owner: string, systemId: string): PitcrewError {
  return new PitcrewError('E_CONFLICT', `${name} belongs to another cluster`, {
    detail: `It has backups of the cluster ${owner}; this is ${systemId}.`,
    hint: 'Give each cluster a repository of its own. A new cluster that was made with initdb or pg_upgrade is another one.',
  });
}
