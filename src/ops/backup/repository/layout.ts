import type { StoredEncoding } from './records.ts';

/** Says what the repository is; stored once. */
export const repositoryKey = 'pitcrew.json';

export const backupsPrefix = 'backups/';

/** Everything of a backup is below it. */
export const backupPrefix = (id: string): string => `${backupsPrefix}${id}/`;

/** What a backup consists of. Stored last: without it there is no backup. */
export const backupRecordKey = (id: string): string => `${backupPrefix(id)}backup.json`;

/** Says that a backup is being made, or was when its maker died. */
export const startedKey = (id: string): string => `${backupPrefix(id)}started.json`;

export const pinsPrefix = 'pins/';

/** Says that a backup is to be kept whatever the calendar says. */
export const pinKey = (id: string): string => `${pinsPrefix}${id}.json`;

/** A file of a backup, by PostgreSQL's name: `base.tar`, `16400.tar`, `backup_manifest`. */
export const backupFileKey = (id: string, name: string, encoding: StoredEncoding): string =>
  `${backupPrefix(id)}${name}${suffixOf(encoding)}`;

/** A complete segment, or the history of a timeline, by PostgreSQL's name. */
export const walKey = (name: string, encoding: StoredEncoding): string =>
  `${walPrefix}${timelineOfName(name)}/${name}${suffixOf(encoding)}`;

/** All log. Histories of timelines lie beside the log that follows them. */
export const walPrefix = 'wal/';

/** When what was read and found whole, so that it need not be read again at once. */
export const verifiedPrefix = 'verified/';

/** Of a backup, by its name; of log, by what the names of a few hundred segments begin with. */
export const verifiedKey = (what: string): string => `${verifiedPrefix}${what}.json`;

/** What drills have found. */
export const drillsPrefix = 'drills/';

/** Of one backup. */
export const drillsOfPrefix = (id: string): string => `${drillsPrefix}${id}/`;

/** A drill of a backup, by when it began. */
export const drillKey = (id: string, at: Date): string =>
  `${drillsOfPrefix(id)}${at.toISOString().replaceAll(/[-:.]/g, '')}.json`;

/** How far a stream has brought the log. */
export const streamKey = 'stream.json';

/** Before which place log was removed on purpose. */
export const trimmedKey = 'trimmed.json';

export const gapsPrefix = 'gaps/';

/** Log that is lost, by the first segment that is missing. */
export const gapKey = (first: string): string => `${gapsPrefix}${first}.json`;

/** PostgreSQL's name of what is there of a segment that is not complete. */
export const partialName = (name: string): string => `${name}${partial}`;

export const isPartial = (name: string): boolean => name.endsWith(partial);

/** Of what a part is; other names as they are. */
export const nameOfPartial = (name: string): string => (isPartial(name) ? name.slice(0, -partial.length) : name);

const partial = '.partial';

/** PostgreSQL's name of a file by its key. */
export const nameOfKey = (key: string): string => (key.split('/').at(-1) ?? '').replace(/\.zst(\.age)?$/, '');

const suffixOf = ({ encrypted }: StoredEncoding): string => (encrypted ? '.zst.age' : '.zst');

const timelineOfName = (name: string): string => name.slice(0, 8);

/** `20261130T014500Z-full`: sorts by time, and can be typed. */
export function backupId(at: Date, type: 'full' | 'incremental'): string {
  return `${at.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${type}`;
}

/** Keys that the repository itself knows. */
export const keysPrefix = 'keys/';

/** Says that what is stored from now on is for a public key (`age1…`). */
export const keyRecordKey = (recipient: string): string => `${keysPrefix}${recipient}.json`;

/** The secret key that belongs to it, as an age file that a passphrase opens. */
export const sealedKeyKey = (recipient: string): string => `${keysPrefix}${recipient}.age`;
