import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { PitcrewError } from '../../errors.ts';
import type { RestoredServer, RestorePlan } from '../../ops/backup/index.ts';
import { lastMomentDocument, missingDocument, momentDocument } from './reachable-document.ts';

/** A plan for `--json`: with positions as PostgreSQL writes them. */
export function planDocument({ backup, target, log, ...plan }: RestorePlan): object {
  return {
    backup: backup.id,
    ...plan,
    target: { ...target, lsn: target.lsn === undefined ? undefined : lsnText(target.lsn) },
    log: {
      ...log,
      from: lsnText(log.from),
      to: log.to === undefined ? null : lsnText(log.to),
      timeline: log.timeline ?? null,
      earliest: momentDocument(log.earliest),
      latest: log.latest ? lastMomentDocument(log.latest) : null,
      missing: log.missing.map(missingDocument),
    },
  };
}

/** What speaks against it. */
export function problemDocument({ code, message, detail, hint }: PitcrewError): object {
  return { code, message, detail, hint };
}

/** Where recovery ended. */
export function startedDocument({ state, end, tookMs, madeFiles }: RestoredServer): object {
  return {
    state,
    tookMs: Math.round(tookMs),
    lastLsn: end.lastLsn === undefined ? null : lsnText(end.lastLsn),
    lastTransactionAt: end.lastTransactionAt ?? null,
    stopped: end.stopped ?? null,
    timeline: end.timeline ?? null,
    madeFiles,
  };
}
