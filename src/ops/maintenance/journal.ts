import type { AdviceStore } from '../store/index.ts';
import type { JournalEnd, JournalEntry, MaintenanceJournal } from './types.ts';

/** Writes changes into the audit log of a store, where those of advice are too. */
export function storeJournal(store: AdviceStore, targetId: number, askedBy: string): MaintenanceJournal {
  return {
    async begin(entry) {
      const id = await store.beginChange({
        ...entry,
        targetId,
        adviceId: null,
        purpose: 'maintenance',
        position: 0,
        askedBy,
        at: new Date(),
        before: null,
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
