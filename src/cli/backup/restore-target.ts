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
    .option('--target-name <name>', 'recover to this point, made with pg_create_restore_point')
    .option('--immediate', 'recover to the end of the backup, as early as possible')
    .option('--exclusive', 'stop just before the target, and not after it')
    .addOption(
      new Option('--target-action <action>', 'what the server does at the target (default: promote)').choices([
        'promote',
        'pause',
        'shutdown',
      ]),
    )
    .option('--timeline <number>', 'follow this timeline (default: the latest)', parseTimeline);
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

function parseMoment(text: string): string {
  const at = new Date(text);
  // Without a zone it would be another moment on another machine.
  if (Number.isNaN(at.getTime()) || !/(Z|[+-]\d{2}:?\d{2})$/i.test(text)) {
    throw new InvalidArgumentError(
      'Give a time with its zone, such as 2026-11-30T02:15:00Z or 2026-11-30T03:15:00+01:00.',
    );
  }
  return text;
}

function parseLsn(text: string): bigint {
  const lsn = lsnOf(text);
  if (lsn === undefined) throw new InvalidArgumentError('Give a position such as 16/B374D848.');
  return lsn;
}

function parseXid(text: string): string {
  if (!/^\d{1,20}$/.test(text)) throw new InvalidArgumentError('Give a number.');
  return text;
}

function parseTimeline(text: string): RecoveryTarget['timeline'] {
  if (text === 'latest' || text === 'current') return text;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new InvalidArgumentError('Give a number, "latest" or "current".');
}
