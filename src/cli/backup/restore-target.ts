import { type Command, InvalidArgumentError, Option } from 'commander';
import { PitcrewError } from '../../errors.ts';
import { lsnOf } from '../../engine/postgres/replication/index.ts';
import type { RecoveryTarget } from '../../ops/backup/index.ts';

export interface TargetFlags {
  targetTime?: string;
  targetLsn?: bigint;
  targetXid?: string;
  targetName?: string;
  immediate?: boolean;
  exclusive?: boolean;
  targetAction?: RecoveryTarget['action'];
  timeline?: RecoveryTarget['timeline'];
}

/** Adds what says to where recovery goes. */
export function withTarget(command: Command): Command {
  return command
    .option('--target-time <time>', 'recover to this moment, such as 2026-11-30T02:15:00Z', parseMoment)
    .option('--target-lsn <lsn>', 'recover to this position of the log, such as 16/B374D848', parseLsn)
    .option('--target-xid <xid>', 'recover to this transaction', parseXid)
    .option('--target-name <name>', 'recover to this point, made with pg_create_restore_point', parseName)
    .option('--immediate', 'recover to the end of the backup, as early as possible')
    .option('--exclusive', 'stop just before the target, and not after it')
    .addOption(
      new Option('--target-action <action>', 'what the server does at the target (default: promote)').choices([
        'promote',
        'pause',
        'shutdown',
      ]),
    )
    .option(
      '--timeline <number>',
      'follow this timeline, or the backup\'s "current" one (default: the latest)',
      parseTimeline,
    );
}

/** @throws {PitcrewError} `E_USAGE` for flags that say two things, or nothing */
export function targetOf(flags: TargetFlags): RecoveryTarget {
  const { targetTime: time, targetLsn: lsn, targetXid: xid, targetName: name, immediate, timeline } = flags;
  const given = [time, lsn, xid, name, immediate].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw new PitcrewError('E_USAGE', 'several targets are named', {
      hint: 'Give one of --target-time, --target-lsn, --target-xid, --target-name and --immediate.',
    });
  }
  if (flags.exclusive && [time, lsn, xid].every((each) => each === undefined)) {
    throw new PitcrewError('E_USAGE', '--exclusive is for a time, a position or a transaction', {
      hint: 'Give --target-time, --target-lsn or --target-xid with it.',
    });
  }
  if (flags.targetAction !== undefined && given.length === 0) {
    throw new PitcrewError('E_USAGE', '--target-action needs a target', {
      detail: 'At the end of the log the server always opens for writing.',
    });
  }
  return { time, lsn, xid, name, immediate, timeline, exclusive: flags.exclusive, action: flags.targetAction };
}

const moment = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(\.\d{1,9})?)? ?(Z|[+-]\d{2}(?::?\d{2})?)$/i;

/** @returns it as ISO 8601 has it, with all its digits: PostgreSQL knows microseconds */
function parseMoment(text: string): string {
  const [, day = '', time = '', seconds = '00', fraction = '', zone = ''] = moment.exec(text) ?? [];
  const offset = /^z$/i.test(zone)
    ? 'Z'
    : zone.replace(/^(...):?(\d{2})?$/, (_all, hours, more = '00') => `${hours}:${more}`);
  const iso = `${day}T${time}:${seconds}${fraction}${offset}`;
  const here = new Date(`${day}T${time}:${seconds}Z`);
  // No day such as the 30th of February, and no zone that PostgreSQL does not take.
  const isThere = !Number.isNaN(here.getTime()) && here.toISOString().startsWith(`${day}T${time}:${seconds}`);
  if (isThere && !Number.isNaN(new Date(iso).getTime()) && Number(offset.slice(1, 3)) < 16) return iso;
  // Without a zone it would be another moment on another machine.
  throw new InvalidArgumentError(
    'Give a time with its zone, such as 2026-11-30T02:15:00Z or 2026-11-30T03:15:00+01:00.',
  );
}

function parseLsn(text: string): bigint {
  const lsn = lsnOf(text);
  if (lsn === undefined) throw new InvalidArgumentError('Give a position such as 16/B374D848.');
  return lsn;
}

/** The first transaction of a server is 3; PostgreSQL takes numbers of 64 bits. */
function parseXid(text: string): string {
  if (/^\d{1,20}$/.test(text) && BigInt(text) >= 3n && BigInt(text) < 2n ** 64n) return text;
  throw new InvalidArgumentError('Give the number of a transaction, such as 739.');
}

/** An empty one would mean to PostgreSQL that there is no target; it keeps 63 bytes of one. */
function parseName(text: string): string {
  if (text !== '' && Buffer.byteLength(text) <= 63 && !/\p{Cc}/u.test(text)) return text;
  throw new InvalidArgumentError('Give the name of a restore point, of 1 to 63 bytes.');
}

function parseTimeline(text: string): RecoveryTarget['timeline'] {
  if (text === 'latest' || text === 'current') return text;
  const number = Number(text);
  if (/^\d{1,10}$/.test(text) && number > 0 && number < 2 ** 32) return number;
  throw new InvalidArgumentError('Give a number, "latest" or "current".');
}
