import { readSlots, readWal, type SlotRow } from '../../../../engine/postgres/index.ts';
import { bytes, count, counted, duration } from '../../../words/index.ts';
import type { Check, CheckContext, Finding, Severity } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, notReadable } from './answers.ts';
import { hoursBetween, knownTime } from './known-time.ts';
import { asSize, readServerSettings, type ServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';

export interface SlotLimits {
  /** WAL that a slot holds back. */
  warningBytes: number;
  criticalBytes: number;
  /** Transactions begun since the oldest row version that a slot keeps from VACUUM. */
  xminAge: number;
}

const gigabyte = 1024 ** 3;
const defaults: SlotLimits = { warningBytes: gigabyte, criticalBytes: 10 * gigabyte, xminAge: 10_000_000 };

/** Replication slots that hold WAL or dead rows back. */
export function replicationSlotsCheck(limits: SlotLimits = defaults): Check {
  return {
    id: 'replication-slots',
    title: 'Replication slots',
    documentation:
      `Slots that lost WAL or are about to (\`wal_status\` lost, unreserved); that hold back ${bytes(limits.warningBytes)} of WAL (critical from ` +
      `${bytes(limits.criticalBytes)}, or from 90 % of \`max_slot_wal_keep_size\`); that nothing reads from (info, while they hold less); and whose oldest row version is ` +
      `${count(limits.xminAge)} transactions old, which VACUUM may not remove. \`max_slot_wal_keep_size\` is proposed where it is unset and a slot ` +
      'is one of these: the WAL of a day at the present rate, at least four times `max_wal_size`. Source: `pg_replication_slots`; PostgreSQL ' +
      'documentation, "Replication Slots".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: SlotLimits) {
  const { connection, profile } = context;
  const { rows, skipped } = await readSlots(connection, profile);
  if (skipped.length > 0) return notReadable(skipped, 'The slots');
  const slots = rows.filter(({ temporary }) => !temporary);
  if (slots.length === 0) return answer([], 'There are no replication slots');
  const settings = await readServerSettings(context);
  const findings = slots.flatMap(
    (slot) => judge(slot, settings.bytes('max_slot_wal_keep_size') ?? -1, limits, profile.isStandby) ?? [],
  );
  const unbounded = findings.length > 0 ? await missingLimit(context, settings) : undefined;
  return answer(
    [...findings, ...(unbounded ? [unbounded] : [])],
    `${counted(slots.length, 'replication slot')}, all of them read from and close behind`,
  );
}

function judge(slot: SlotRow, keep: number, limits: SlotLimits, isStandby: boolean): Finding | undefined {
  const held = slot.retainedBytes ?? 0;
  const age = Math.max(slot.xminAge ?? 0, slot.catalogXminAge ?? 0);
  const critical = keep > 0 ? Math.min(limits.criticalBytes, keep * 0.9) : limits.criticalBytes;
  const broken = slot.walStatus === 'lost' || slot.invalidationReason !== null;
  const found = (severity: Severity, title: string, explanation: string): Finding => ({
    check: 'replication-slots',
    key: `replication-slots:${slot.slot}`,
    severity,
    subject: { kind: 'slot', name: slot.slot },
    title,
    explanation,
    evidence: [
      { label: 'Kind', value: slot.type },
      { label: 'Read from now', value: slot.active },
      { label: 'WAL held back', value: slot.retainedBytes, unit: 'bytes' },
      { label: 'State of its WAL', value: slot.walStatus },
      { label: 'Transactions since its oldest row version', value: age === 0 ? null : age },
      ...(slot.inactiveSince ? [{ label: 'Not read from since', value: slot.inactiveSince.toISOString() }] : []),
    ],
    gain: slot.active || held === 0 ? null : { bytes: held },
    remedy: slot.active ? catchUp : dropSlot(slot, broken),
  });
  if (broken) {
    return found(
      'critical',
      `WAL that slot ${slot.slot} needed is gone`,
      'What reads from it cannot go on from where it was, and has to be built anew.',
    );
  }
  if (slot.walStatus === 'unreserved' || held >= critical) {
    return found(
      'critical',
      slot.walStatus === 'unreserved'
        ? `WAL that slot ${slot.slot} still needs is about to be removed`
        : `Slot ${slot.slot} holds back ${bytes(held)} of WAL`,
      'WAL that is held back fills the disk, and a server with a full disk stops; WAL that is removed cuts off the reader.',
    );
  }
  if (age >= limits.xminAge) {
    return found(
      'warning',
      `Slot ${slot.slot} keeps row versions that are ${count(age)} transactions old`,
      slot.catalogXminAge === age
        ? 'VACUUM may not remove dead rows of the system catalogs that are younger, so the catalogs grow.'
        : 'VACUUM may not remove dead rows of any table that are younger, so tables grow.',
    );
  }
  if (held >= limits.warningBytes) {
    return found(
      'warning',
      `Slot ${slot.slot} holds back ${bytes(held)} of WAL`,
      'WAL that is held back fills the disk.',
    );
  }
  // On a standby the slots that it keeps in step for a failover are not read from.
  if (slot.active || slot.retainedBytes === null || isStandby) return undefined;
  return found(
    // Its reader may be away for a moment only.
    'info',
    `Nothing reads from slot ${slot.slot}, and it holds back ${bytes(held)} of WAL`,
    'What it holds back grows for as long as nothing reads from it, until the disk is full.',
  );
}

const catchUp = {
  kind: 'manual' as const,
  fix: [],
  undo: [],
  risk: 'low' as const,
  riskDetail:
    'Find out why its reader is behind: a slow replica, a long transaction on it, a network that is too narrow.',
  appliable: false,
};

function dropSlot({ slot }: SlotRow, broken: boolean) {
  return {
    kind: 'manual' as const,
    fix: [`SELECT pg_drop_replication_slot('${slot.replaceAll("'", "''")}')`],
    undo: [],
    risk: broken ? ('low' as const) : ('high' as const),
    riskDetail: broken
      ? 'Nothing can read from it any more. Build the replica or subscriber anew.'
      : 'Only when nothing will read from it again: what does cannot go on after that, and has to be built anew.',
    appliable: false,
  };
}

async function missingLimit(context: CheckContext, settings: ServerSettings): Promise<Finding | undefined> {
  const name = 'max_slot_wal_keep_size';
  if ((settings.bytes(name) ?? 0) >= 0) return undefined;
  const known = await knownTime(context);
  const [wal] = (await once(context, readWal)).rows;
  const perDay = known && wal?.statsReset ? (wal.bytes / Math.max(1, hoursBetween(wal.statsReset, known.now))) * 24 : 0;
  const proposal =
    Math.ceil(Math.max(perDay, 4 * (settings.bytes('max_wal_size') ?? 0), gigabyte) / gigabyte) * gigabyte;
  const change = {
    name,
    value: asSize(proposal),
    risk: 'medium' as const,
    riskDetail: `A slot whose reader is away for longer than it takes to write ${bytes(proposal)} of WAL is given up, and its reader has to be built anew.`,
  };
  return {
    check: 'replication-slots',
    key: `replication-slots:${name}`,
    severity: 'info',
    subject: { kind: 'setting', name },
    title: 'Slots may hold back WAL without limit',
    explanation:
      'A reader that stays away fills the disk of the server, which stops then. With a limit, the slot is given up instead.',
    evidence: [
      { label: 'WAL of a day, at the present rate', value: Math.round(perDay), unit: 'bytes' },
      { label: 'The proposal lasts for', value: perDay > 0 ? duration((proposal / perDay) * 86_400) : null },
    ],
    gain: null,
    // How much room the disk has is for a person to judge.
    remedy: { ...settingRemedy(context.profile, settings, change), appliable: false },
  };
}

export const replicationSlots = replicationSlotsCheck();
