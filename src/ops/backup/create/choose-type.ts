import type { BackupRecord } from '../repository/index.ts';
import { knowsBlocks } from './find-parent.ts';
import type { Change } from './estimate-change.ts';

/** What speaks for and against an incremental backup. */
export interface Situation {
  /** Of the server, as in 180001. */
  version: number;
  /** The latest backup and those it builds on, the full one first; empty without any. */
  chain: readonly BackupRecord[];
  timeline: number;
  /** Whether the server keeps track of what changes. */
  summarizes: boolean;
  /** Asked for when nothing else speaks against it. */
  change(): Promise<Change>;
}

export interface Choice {
  type: BackupRecord['type'];
  /** In a few words, with figures. */
  reason: string;
}

/** No chain becomes longer: all of it is needed for a restore, and one damaged member breaks it. */
const longestChain = 30;
/** With more changed than this an incremental backup saves too little for what its restore costs. */
const mostChanged = 0.6;

/** Whether a full or an incremental backup serves better. */
export async function chooseType({ version, chain, timeline, summarizes, change }: Situation): Promise<Choice> {
  const [first, latest] = [chain[0], chain.at(-1)];
  const full = (reason: string): Choice => ({ type: 'full', reason });
  if (!first || !latest) return full('there is no backup to build on yet');
  if (!knowsBlocks(version))
    return full(`PostgreSQL ${Math.floor(version / 10_000)} does not tell which blocks changed`);
  if (!summarizes) return full('the server does not keep track of what changes: summarize_wal is off');
  if (latest.timeline !== timeline) return full(`the server was promoted since ${latest.id}`);
  if (chain.length >= longestChain) return full(`${chain.length} backups build on each other already`);
  const changed = await change();
  if (!changed.known) return full(`the server does not know any more what has changed since ${latest.id}`);
  const fullBytes = archivedBytes(first.files);
  const ratio = fullBytes > 0 ? changed.bytes / fullBytes : 1;
  const how = changed.counted ? '' : ', by how much log was written';
  const told = `about ${percent(ratio)} of ${megabytes(fullBytes)} has changed since ${latest.id}${how}`;
  if (ratio > mostChanged) return full(told);
  const others = chain.slice(1).reduce((sum, backup) => sum + archivedBytes(backup.files), 0);
  if (others + changed.bytes > fullBytes) {
    return full(`a restore would read ${megabytes(others + changed.bytes)} of changes beside ${megabytes(fullBytes)}`);
  }
  return { type: 'incremental', reason: told };
}

/** Of the data directory and tablespaces, before compression. */
export function archivedBytes(files: BackupRecord['files']): number {
  return files.reduce((sum, { name, bytes }) => (name.endsWith('.tar') ? sum + bytes : sum), 0);
}

const percent = (ratio: number): string => (ratio < 0.01 ? '1 % at most' : `${Math.round(ratio * 100)} %`);

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2).toLocaleString('en-US')} MB`;
