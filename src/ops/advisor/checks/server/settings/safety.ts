import type { Severity } from '../../../types.ts';
import { type SettingRule, settingsCheck } from './rule.ts';

interface Danger {
  setting: string;
  value: string;
  severity: Severity;
  explanation: string;
  riskDetail?: string;
}

const dangers: readonly Danger[] = [
  {
    setting: 'fsync',
    value: 'off',
    severity: 'critical',
    explanation: 'After a crash of the machine the database can be damaged beyond repair.',
    riskDetail:
      'Writes wait for the disk, as they must. What was written before is safe once a checkpoint and a sync of the file system are over.',
  },
  {
    setting: 'full_page_writes',
    value: 'off',
    severity: 'warning',
    explanation:
      'A crash in the middle of a write can tear pages, and WAL cannot mend them, unless the file system prevents it.',
    riskDetail: 'More WAL is written after each checkpoint.',
  },
  {
    setting: 'synchronous_commit',
    value: 'off',
    severity: 'info',
    explanation:
      'A crash loses what was committed in the last moments (up to three times wal_writer_delay), though it damages nothing.',
    riskDetail: 'Commits wait for the disk. Where losing the last moments is acceptable, set it for those roles only.',
  },
  {
    setting: 'zero_damaged_pages',
    value: 'on',
    severity: 'critical',
    explanation: 'Damaged pages are emptied without a word: their rows are lost.',
  },
  {
    setting: 'ignore_checksum_failure',
    value: 'on',
    severity: 'critical',
    explanation: 'Damaged pages are read as if they were sound.',
  },
  {
    setting: 'ignore_system_indexes',
    value: 'on',
    severity: 'warning',
    explanation: 'The catalog is read without its indexes, which is slow.',
  },
  {
    setting: 'ignore_invalid_pages',
    value: 'on',
    severity: 'critical',
    explanation: 'Recovery goes on where it should stop: data can be lost without a word.',
  },
];

function danger({ setting, value, severity, explanation, riskDetail }: Danger): SettingRule {
  return {
    setting,
    judge({ settings }) {
      const found = settings.row(setting);
      if (found?.value !== value) return undefined;
      return {
        severity,
        title: `${setting} is ${value}`,
        explanation,
        evidence: [{ label: 'Set by', value: found.source }],
        change: { value: value === 'off' ? 'on' : 'off', risk: 'low', riskDetail: riskDetail ?? 'None to speak of.' },
      };
    },
  };
}

/** Settings that endanger the data. */
export const safetySettings = settingsCheck(
  {
    id: 'safety-settings',
    title: 'Settings that endanger data',
    fine: 'No setting endangers the data',
    evidence: ({ settings }) => [{ label: 'Data checksums', value: settings.isOn('data_checksums') }],
    documentation:
      'Critical: `fsync` off, `zero_damaged_pages`, `ignore_checksum_failure`, `ignore_invalid_pages` on. Warning: `full_page_writes` off, ' +
      '`ignore_system_indexes` on. Info: `synchronous_commit` off for the whole server. The evidence says whether data checksums are on. Source: `pg_settings`; PostgreSQL documentation, "Write Ahead ' +
      'Log" and "Developer Options".',
  },
  dangers.map(danger),
);
