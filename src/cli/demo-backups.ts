import { type BackupSettings, backupSettings } from '../config/index.ts';

/**
 * How the demo's shop is backed up: once soon after the first start, as its time has passed by then, and every five minutes what has changed. It
 * keeps few, so that a demo that is left running fills no disk, and reads gently.
 */
export function demoBackups({ backupUrl, backupDir }: { backupUrl: string; backupDir: string }): BackupSettings {
  return backupSettings({
    url: backupUrl,
    repositories: [{ location: backupDir }],
    full: '0 */3 * * *',
    incremental: '*/5 * * * *',
    stream: true,
    keep: { last: 2, daily: 0, weekly: 0, monthly: 0, yearly: 0, maxBytes: '1GB' },
    // So that there is something to look at soon.
    checkpoint: 'fast',
    maxRate: '32MB',
  });
}
