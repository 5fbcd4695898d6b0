import type { LoadedConfig } from '../../config/index.ts';
import type { MaintenanceJournal } from '../../ops/maintenance/index.ts';
import { note } from '../output.ts';

export interface Audit extends AsyncDisposable {
  journal: MaintenanceJournal;
}

/**
 * Where changes are written down: in the store, where the configuration names one, else on stderr, also with `--quiet`, so that nothing is
 * changed without a trace.
 */
export async function openAudit({ config }: LoadedConfig, database: string): Promise<Audit> {
  const { storeJournal, tellingJournal } = await import('../../ops/maintenance/index.ts');
  const { url, retention } = config.store;
  if (url === undefined) {
    const journal = tellingJournal(({ statement }, end) => {
      if (end) note(`${new Date().toISOString()} ${end.outcome}: ${statement}${end.error ? ` (${end.error})` : ''}`);
    });
    return { journal, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const { openStore } = await import('../../ops/store/index.ts');
  const store = await openStore({ url, retention });
  return {
    journal: storeJournal(store.advice, await store.target(database), 'pitcrew optimize'),
    [Symbol.asyncDispose]: () => store.close(),
  };
}
