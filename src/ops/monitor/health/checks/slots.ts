import { type CheckDefinition, critical, graded, type Judgement, notApplicable, ok } from '../check.ts';
import type { HealthInput, SlotState } from '../input.ts';
import { notRead, settingNumber, settingText } from '../reading.ts';
import { bytes, counted, listed } from '../../../words/index.ts';

const gigabyte = 1024 ** 3;

export const replicationSlots: CheckDefinition = {
  id: 'replication-slots',
  title: 'Replication slots',
  weight: 8,
  cap: 69,
  thresholds:
    'warning from 1 GB of WAL held back by a slot, critical from 10 GB (with `max_slot_wal_keep_size`: from half and 90 % of it) or when a slot is `lost` or `unreserved`',
  source: '`pg_replication_slots`: `restart_lsn`, `wal_status`, `active`',
  collector: 'instance',
  judge(input) {
    const slots = input.slots?.filter(({ temporary }) => !temporary);
    if (!slots) return notRead(input, 'The replication slots', ['slots']);
    if (slots.length === 0) return notApplicable('There are no replication slots', { slots: 0 });
    const broken = slots.filter(({ walStatus }) => walStatus === 'lost' || walStatus === 'unreserved');
    return broken.length > 0 ? brokenSlots(broken) : retained(input, slots);
  },
};

function brokenSlots(broken: readonly SlotState[]): Judgement {
  const lost = broken.filter(({ walStatus }) => walStatus === 'lost');
  const names = listed((lost.length > 0 ? lost : broken).map(({ slot }) => slot));
  const evidence = { lost: lost.length, unreserved: broken.length - lost.length, slots: names };
  if (lost.length > 0) {
    return critical({
      message: `WAL that ${names} still needed is gone: what reads from there cannot go on`,
      evidence,
      advice: `Drop it (${lost.map(({ slot }) => dropSlot(slot)).join(' ')}) and build the replica or subscriber anew.`,
    });
  }
  return critical({
    message: `WAL that ${names} still needs is about to be removed`,
    evidence,
    advice: 'Let the consumer catch up at once, or raise max_slot_wal_keep_size now (a reload is enough).',
  });
}

function retained(input: HealthInput, slots: readonly SlotState[]): Judgement {
  const worst = slots.toSorted((a, b) => (b.retainedBytes ?? 0) - (a.retainedBytes ?? 0))[0];
  const held = worst?.retainedBytes ?? 0;
  const inactive = slots.filter(({ active }) => !active);
  const evidence = { slots: slots.length, inactive: inactive.length, slot: worst?.slot ?? null, retainedBytes: held };
  const some = counted(slots.length, 'replication slot');
  if (!worst || held === 0) return ok(`${some}, none holds WAL back`, evidence);
  // In MB; -1 is no limit.
  const limit = (settingNumber(input, 'max_slot_wal_keep_size') ?? -1) * 1024 * 1024;
  const thresholds =
    limit > 0 ? { warning: limit * 0.5, critical: limit * 0.9 } : { warning: gigabyte, critical: 10 * gigabyte };
  const state = worst.active ? '' : ', and nothing reads from it';
  return graded(held, thresholds, {
    fine: `${some}, holding back at most ${bytes(held)} of WAL`,
    evidence,
    problem: {
      message: `Slot ${worst.slot} holds back ${bytes(held)} of WAL${state}`,
      advice:
        (worst.active
          ? 'Let its consumer catch up: until then the WAL fills the disk.'
          : `If nobody will read from it any more, drop it: ${dropSlot(worst.slot)}`) +
        (limit > 0
          ? ''
          : ` A limit keeps the disk from filling (max_slot_wal_keep_size, now ${settingText(input, 'max_slot_wal_keep_size')}).`),
    },
  });
}

function dropSlot(name: string): string {
  return `SELECT pg_drop_replication_slot('${name.replaceAll("'", "''")}');`;
}
