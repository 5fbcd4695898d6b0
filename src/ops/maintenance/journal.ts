import type { PitcrewError } from '../../errors.ts';
import type { AdviceStore } from '../store/index.ts';
import type { JournalEnd, JournalEntry, MaintenanceJournal } from './types.ts';

/** Writes changes into the audit log of a store, where those of advice are too. */
export function storeJournal(store: AdviceStore, targetId: number, askedBy: string): MaintenanceJournal {
  return {
    async begin({ object, ...entry }) {
      const id = await store.beginChange({
        ...entry,
        targetId,
        adviceId: null,
        purpose: 'maintenance',
        position: 0,
        askedBy,
        at: new Date(),
        before: object,
      });
      return async (end) => {
        // Left open: whoever looks after the log finds out what became of it.
        if (end.outcome !== 'unknown') await store.endChange(id, { ...end, at: new Date() });
      };
    },
  };
}

/** Tells of changes as they begin and end, where there is no store. */
export function tellingJournal(tell: (entry: JournalEntry, end: JournalEnd | null) => void): MaintenanceJournal {
  return {
    begin(entry) {
      tell(entry, null);
      return Promise.resolve((end: JournalEnd) => {
        tell(entry, end);
        return Promise.resolve();
      });
    },
  };
}

/** How a statement ended, from its error. */
export function endOf(error: PitcrewError | undefined, durationMs: number): JournalEnd {
  if (error === undefined) return { outcome: 'done', durationMs };
  const outcome = error.code === 'E_ABORTED' ? 'cancelled' : error.code === 'E_OUTCOME_UNKNOWN' ? 'unknown' : 'failed';
  return {
    outcome,
    durationMs,
    error: error.message,
    ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
  };
}
