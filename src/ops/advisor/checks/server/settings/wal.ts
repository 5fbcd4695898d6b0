import { bytes, count, duration, percent } from '../../../../words/index.ts';
import type { Check } from '../../../types.ts';
import { asSize } from '../server-settings.ts';
import type { Facts, WalFacts } from './facts.ts';
import { type SettingAdvice, type SettingRule, settingsCheck } from './rule.ts';

const gigabyte = 1024 ** 3;
const megabyte = 1024 ** 2;

export interface WalLimits {
  /** Below that, WAL costs nothing that a setting could save. */
  leastBytesPerHour: number;
  /** Less time says nothing of what is usual: a load of data is over soon. */
  leastHours: number;
}

const defaults: WalLimits = { leastBytesPerHour: gigabyte, leastHours: 6 };

/** Judges only where so much WAL is written that the setting matters, and for long enough to know that. */
function whereBusy(
  limits: WalLimits,
  facts: Facts,
  judge: (wal: WalFacts) => SettingAdvice | undefined,
): ReturnType<SettingRule['judge']> {
  const { wal, hours } = facts;
  if (wal === undefined) return { untold: { reason: 'How much WAL is written is hidden from this role', fix: null } };
  if (wal.bytesPerHour < limits.leastBytesPerHour) return undefined;
  if (hours >= limits.leastHours) return judge(wal);
  return {
    untold: {
      reason: `WAL is counted for less than ${limits.leastHours} hours, too short to say what is usual`,
      fix: null,
    },
  };
}

function walEvidence({ bytesPerHour, fullPageShare }: WalFacts) {
  return [
    { label: 'WAL per hour', value: Math.round(bytesPerHour), unit: 'bytes' as const },
    { label: 'Whole pages in it, at most', value: fullPageShare, unit: 'ratio' as const },
  ];
}

const walCompression = (limits: WalLimits): SettingRule => ({
  setting: 'wal_compression',
  judge: (facts) =>
    whereBusy(limits, facts, (wal) => {
      if (!facts.settings.isOff('wal_compression') || wal.fullPageShare < 0.5) return undefined;
      return {
        severity: 'info',
        title: `Up to ${percent(wal.fullPageShare)} of ${bytes(wal.bytesPerHour)} of WAL an hour are whole pages, not compressed`,
        explanation: 'Whole pages compress well; less WAL means less to write, to send to replicas and to archive.',
        evidence: walEvidence(wal),
        change: {
          value: 'on',
          risk: 'low',
          riskDetail:
            'It costs some CPU; lz4 or zstd, where the server is built with them, cost less than "on" (pglz).',
        },
      };
    }),
});

const checkpointTimeout = (limits: WalLimits): SettingRule => ({
  setting: 'checkpoint_timeout',
  judge: (facts) =>
    whereBusy(limits, facts, (wal) => {
      const timeout = facts.settings.seconds('checkpoint_timeout');
      if (timeout === undefined || timeout > 300 || wal.fullPageShare < 0.7) return undefined;
      return {
        severity: 'info',
        title: `A checkpoint every ${duration(timeout)} makes up to ${percent(wal.fullPageShare)} of the WAL whole pages`,
        explanation:
          'The first change of a page after a checkpoint writes the whole page. Checkpoints less often write it less often.',
        evidence: walEvidence(wal),
        change: {
          value: '15min',
          risk: 'low',
          riskDetail:
            'Recovery after a crash takes longer, because more WAL is replayed; max_wal_size must have room for it.',
        },
      };
    }),
});

const completionTarget = (limits: WalLimits): SettingRule => ({
  setting: 'checkpoint_completion_target',
  judge: (facts) =>
    whereBusy(limits, facts, (wal) => {
      const target = facts.settings.number('checkpoint_completion_target');
      if (target === undefined || target >= 0.7) return undefined;
      return {
        severity: 'info',
        title: `Checkpoints write all at once, in ${percent(target)} of the time between two of them`,
        explanation:
          'Spread over more of the time, the same writes disturb statements less; 0.9 is the default since PostgreSQL 14.',
        evidence: walEvidence(wal),
        change: { value: '0.9', risk: 'low', riskDetail: 'None to speak of.' },
      };
    }),
});

const walBuffers = (limits: WalLimits): SettingRule => ({
  setting: 'wal_buffers',
  judge: (facts) =>
    whereBusy(limits, facts, (wal) => {
      const value = facts.settings.bytes('wal_buffers');
      const full = wal.buffersFullPerHour;
      if (value === undefined || value < 0 || value >= 64 * megabyte || full < 3600) return undefined;
      return {
        severity: 'info',
        title: `The WAL buffers were full ${count(full)} times an hour`,
        explanation: 'A session that finds them full writes WAL itself, and waits for the disk, before it can go on.',
        evidence: [...walEvidence(wal), { label: 'Full per hour', value: Math.round(full) }],
        change: { value: asSize(64 * megabyte), risk: 'low', riskDetail: 'It takes that much more shared memory.' },
      };
    }),
});

/** WAL settings against how much WAL is written. */
export function walSettingsCheck(limits: WalLimits = defaults): Check {
  return settingsCheck(
    {
      id: 'wal-settings',
      title: 'WAL settings',
      fine: 'The WAL settings suit how much is written',
      documentation:
        `Judged only where at least ${bytes(limits.leastBytesPerHour)} of WAL an hour were written, over ${limits.leastHours} hours or more. ` +
        '`wal_compression` off while half of the WAL or more may be whole pages (`wal_fpi` × block size ÷ `wal_bytes`, an upper bound); ' +
        '`checkpoint_timeout` of 5 minutes or less while 70 % may be; `checkpoint_completion_target` below 0.7 (0.9 is the default since 14); ' +
        '`wal_buffers` below 64 MB that were full once a second or more often (`wal_buffers_full`). `max_wal_size` is judged by the check of ' +
        'checkpoints. Sources: `pg_stat_wal`; PostgreSQL documentation, "Write Ahead Log" and "WAL Configuration".',
    },
    [walCompression(limits), checkpointTimeout(limits), completionTarget(limits), walBuffers(limits)],
  );
}

export const walSettings = walSettingsCheck();
