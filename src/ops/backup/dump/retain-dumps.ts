import type { BackupRecord, DumpRecord } from '../repository/index.ts';
import { decide } from '../retention/decide.ts';
import type { RetentionPolicy } from '../retention/policy.ts';

/** What becomes of a dump, and why. */
export interface DumpDecision {
  dump: DumpRecord;
  keep: boolean;
  reasons: string[];
}

/**
 * Decides which dumps are kept: of each database and choice of tables as of backups, but for the limit of bytes, which is of backups and log.
 * @returns newest first, by database
 */
export function decideDumps(dumps: readonly DumpRecord[], policy: RetentionPolicy): DumpDecision[] {
  const groups = new Map<string, DumpRecord[]>();
  for (const dump of dumps) {
    const name = JSON.stringify([dump.database, dump.tables]);
    groups.set(name, [...(groups.get(name) ?? []), dump]);
  }
  return [...groups.values()].flatMap((group) => {
    const known = new Map(group.map((dump) => [dump.id, dump]));
    const { decisions } = decide(group.map(asBackup), { ...policy, maxBytes: undefined });
    return decisions.flatMap(({ backup, keep, reasons }) => {
      const dump = known.get(backup.id);
      return dump ? [{ dump, keep, reasons }] : [];
    });
  });
}

/** Dumps have an order and a moment as backups have. */
function asBackup({
  id,
  timeline,
  lsn,
  startedAt,
  endedAt,
  file,
  serverVersion,
  systemId,
  ...dump
}: DumpRecord): BackupRecord {
  const { recipients, madeBy, warnings } = dump;
  return {
    format: 1,
    id,
    type: 'full',
    parent: null,
    systemId: systemId ?? '',
    serverVersion,
    segmentBytes: 16_777_216,
    blockBytes: 8192,
    timeline: timeline ?? 1,
    startLsn: lsn,
    endLsn: lsn,
    startedAt,
    endedAt,
    label: '',
    tablespaces: [],
    files: [file],
    warnings,
    recipients,
    madeBy,
  };
}
