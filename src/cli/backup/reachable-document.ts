import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { MissingLog, Moment, Reachable, ReachableWindow } from '../../ops/backup/index.ts';

/** What can be restored, for `--json`: with positions as PostgreSQL writes them. */
export function reachableDocument({ windows, gaps, unusable, ...rest }: Reachable): object {
  return {
    windows: windows.map(({ backups, from, to }) => ({
      backups,
      from: momentDocument(from),
      to: lastMomentDocument(to),
    })),
    gaps: gaps.map(missingDocument),
    unusable: unusable.map(({ backup, missing }) => ({ backup, missing: missing.map(missingDocument) })),
    ...rest,
  };
}

export const momentDocument = ({ timeline, lsn, at }: Moment): object => ({ timeline, lsn: lsnText(lsn), at });

export const lastMomentDocument = (moment: ReachableWindow['to']): object => ({
  ...momentDocument(moment),
  isPart: moment.isPart,
});

export const missingDocument = ({ from, to, ...missing }: MissingLog): object => ({
  ...missing,
  from: lsnText(from),
  to: lsnText(to),
});
