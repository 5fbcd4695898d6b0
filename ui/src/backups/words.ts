import type { BackupList, BackupRun } from '../../../src/server/api/backups.ts';
import type { Tone } from '../components/status.tsx';
import { bytes, textOf } from '../format/quantity.ts';

/** How answers about backups are kept up to date: at once when a run changes, and while one is under way. */
export const onBackups = { on: ['backups'], everyMs: 5000 };

export const kinds: Readonly<Record<BackupRun['kind'], string>> = {
  full: 'Full backup',
  incremental: 'Incremental backup',
  drill: 'Restore drill',
  verify: 'Check of what is stored',
  prune: 'Removal of old ones',
};

export const states: Readonly<Record<BackupRun['state'], { word: string; tone: Tone }>> = {
  running: { word: 'Under way', tone: 'info' },
  done: { word: 'Done', tone: 'ok' },
  failed: { word: 'Failed', tone: 'critical' },
  stopped: { word: 'Stopped', tone: 'warning' },
};

type Stream = NonNullable<BackupList['stream']>;

export const streamStates: Readonly<Record<Stream['state'], { word: string; tone: Tone }>> = {
  connecting: { word: 'Not received', tone: 'warning' },
  waiting: { word: 'Received by another', tone: 'warning' },
  streaming: { word: 'Received', tone: 'ok' },
  ended: { word: 'Not received', tone: 'critical' },
};

/** What came of a run, in one line; `null`: nothing but the backup that it was about. */
export function outcomeOf({ error, willRetry, kind, report }: BackupRun): string | null {
  if (error) {
    const parts = [error.message, error.detail, willRetry ? 'Tried again by itself' : null];
    return parts.flatMap((part) => (part ? [part.replace(/\.$/, '')] : [])).join('. ');
  }
  const number = (name: string): number => Number(report?.[name] ?? 0);
  if (kind === 'prune' && report) {
    const [removed, freed] = [number('removed'), number('freedBytes')];
    if (removed === 0 && freed === 0) return 'Nothing was too much';
    return `${removed} of ${removed + number('kept')} removed, ${textOf(bytes(freed))} freed`;
  }
  return kind === 'verify' && report ? `${number('verified')} as they were stored` : null;
}

export function tookMs({ beganAt, endedAt }: Pick<BackupRun, 'beganAt' | 'endedAt'>): number | null {
  return endedAt === null ? null : Date.parse(endedAt) - Date.parse(beganAt);
}
