import {
  checksumKey,
  isChecksum,
  isPartial,
  keyOfChecksum,
  nameOfKey,
  readChecksum,
  type Repository,
  walPrefix,
} from '../repository/index.ts';
import type { StoredObject } from '../storage/index.ts';
import { addFile, noLog, type StoredLog } from '../wal/ranges.ts';
import { segmentPosition } from '../wal/segments.ts';
import { atOnce } from './at-once.ts';
import { type Amount, most, type Problem, tell } from './found.ts';
import { problemOf, problemWithin } from './read-object.ts';
import { remembered } from './remembered.ts';
import type { Looking } from './verify-backup.ts';

/** What is there of the log. */
export interface ReadLog extends Amount {
  segments: number;
  unchecked: number;
  /** Where it is. */
  stored: StoredLog;
  /** Segments and histories that are damaged, by their names. */
  damaged: (Problem & { name: string })[];
  /** What is remembered is by these. */
  groups: Set<string>;
}

export interface ReadLogOptions extends Looking {
  segmentBytes: number;
  /** Whether the segment of that name is to be read; all by default. */
  wanted?: ((name: string) => boolean) | undefined;
  /** After each segment. */
  onSegment(segments: number): void;
}

/** Segments that are read at one time: a storage far away takes its time for each. */
const readers = 4;

/**
 * Lists all log, and reads each segment that was not read lately: compares it with its checksum, or reads it through where that is missing.
 * A few hundred are in memory at one time.
 */
export async function readLog(repository: Repository, options: ReadLogOptions): Promise<ReadLog> {
  const { storage } = repository;
  const log: ReadLog = {
    bytes: 0,
    skippedBytes: 0,
    segments: 0,
    unchecked: 0,
    stored: noLog(options.segmentBytes),
    damaged: [],
    groups: new Set(),
  };
  for await (const { group, objects } of groups(storage.list(walPrefix), log.stored, options.strays)) {
    const memory = await remembered(storage, group, options);
    log.groups.add(group);
    const checksums = new Set(objects.flatMap(({ key }) => (isChecksum(key) ? [keyOfChecksum(key)] : [])));
    const files = objects.filter(({ key }) => !isChecksum(key));
    for (const { key, bytes } of files) {
      const name = nameOfKey(key);
      addFile(log.stored, { name, key, bytes });
      if (segmentPosition(name, options.segmentBytes)) log.segments += 1;
    }
    for (const key of checksums) {
      if (files.some((file) => file.key === key)) continue;
      tellDamaged(log, key, 'Its checksum is there, and it is not.');
    }
    await atOnce(readers, files, async (object) => {
      options.signal?.throwIfAborted();
      if (options.wanted?.(nameOfKey(object.key)) === false) {
        memory.has(object);
        return;
      }
      if (memory.has(object)) log.skippedBytes += object.bytes;
      else if (await isWhole(repository, object, checksums.has(object.key), log, options)) memory.add(object);
      options.onSegment(log.segments);
    });
    const reason = await memory.save();
    if (reason !== undefined) options.onNotRemembered(reason);
  }
  return log;
}

async function isWhole(
  repository: Repository,
  object: StoredObject,
  hasChecksum: boolean,
  log: ReadLog,
  options: ReadLogOptions,
): Promise<boolean> {
  const { key, bytes } = object;
  const onBytes = (count: number): void => {
    log.bytes += count;
    options.onBytes(count);
  };
  let problem: string | undefined;
  if (hasChecksum) {
    const sha256 = await readChecksum(repository.storage, key);
    problem =
      sha256 === undefined
        ? 'Its checksum is not one.'
        : await problemOf(repository, object, sha256, { ...options, onBytes });
  } else {
    const wanted = segmentPosition(nameOfKey(key), options.segmentBytes) ? options.segmentBytes : undefined;
    problem = await problemWithin(repository, nameOfKey(key), wanted, options);
    if (problem === 'no key') {
      log.unchecked += 1;
      return false;
    }
    onBytes(bytes);
  }
  if (problem === undefined) return true;
  const isThere = async (each: string): Promise<boolean> => (await repository.storage.head(each)) !== undefined;
  // Both are gone: a prune has removed them meanwhile.
  const isRemoved = hasChecksum && !(await isThere(key)) && !(await isThere(checksumKey(key)));
  if (!isRemoved) tellDamaged(log, key, problem);
  return false;
}

/** More than are told, because a backup that needs one has to tell it. */
const mostDamaged = 10 * most;

function tellDamaged(log: ReadLog, key: string, problem: string): void {
  if (log.damaged.length < mostDamaged) log.damaged.push({ name: nameOfKey(key), what: key, problem });
}

/** Objects that belong together: the segments whose names begin with the same 16 digits, a few hundred; or a history. */
async function* groups(
  objects: AsyncIterable<StoredObject>,
  stored: StoredLog,
  strays: string[],
): AsyncGenerator<{ group: string; objects: StoredObject[] }> {
  let current: { group: string; objects: StoredObject[] } | undefined;
  for await (const object of objects) {
    // What there is of a segment that is not complete is replaced while we look: it is not read.
    if (isPartial(nameOfKey(object.key))) {
      addFile(stored, { name: nameOfKey(object.key), ...object });
      continue;
    }
    const [, group, history] =
      /^wal\/[0-9A-F]{8}\/(?:([0-9A-F]{16})[0-9A-F]{8}|([0-9A-F]{8})\.history)\.zst(?:\.age)?(?:\.sha256)?$/.exec(
        object.key,
      ) ?? [];
    const name = group ?? history;
    if (name === undefined) {
      tell(strays, object.key);
      continue;
    }
    if (current && current.group !== name) {
      yield current;
      current = undefined;
    }
    current ??= { group: name, objects: [] };
    current.objects.push(object);
  }
  if (current) yield current;
}
