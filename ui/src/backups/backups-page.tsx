import { useState } from 'preact/hooks';
import type { BackupList } from '../../../src/server/api/backups.ts';
import { Icon } from '../components/icon.tsx';
import { PageHeader } from '../components/page-header.tsx';
import { Awaited } from '../components/states.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';
import { BackupFigures } from './backup-figures.tsx';
import { BackupTable } from './backup-table.tsx';
import { NotConfigured } from './not-configured.tsx';
import { Places } from './places.tsx';
import { RestoreDialog } from './restore-dialog.tsx';
import { RunTable } from './run-table.tsx';
import { ServiceStatus } from './service-status.tsx';
import { Timeline } from './timeline.tsx';
import { onBackups } from './words.ts';

/** What can be restored, whether that was proven, what is done next, and how what was done went. */
export function BackupsPage() {
  const { query } = useUrl();
  const list = useResource<BackupList>(databaseUrl('/backups', query), onBackups);
  const [restoring, setRestoring] = useState(false);
  const canRestore = (list.data?.windows.length ?? 0) > 0;
  return (
    <>
      <PageHeader title="Backups" of={list}>
        {list.data?.configured && (
          <button type="button" class="button" disabled={!canRestore} onClick={() => setRestoring(true)}>
            <Icon name="clock" />
            Restore …
          </button>
        )}
      </PageHeader>
      <Awaited of={list} lines={12}>
        {(answer) =>
          answer.configured ? (
            <>
              <ServiceStatus answer={answer} onChange={list.refresh} />
              <BackupFigures answer={answer} />
              <Timeline answer={answer} />
              <BackupTable answer={answer} />
              <Places answer={answer} />
              <RunTable />
              {restoring && <RestoreDialog answer={answer} onClose={() => setRestoring(false)} />}
            </>
          ) : (
            <NotConfigured database={answer.database} />
          )
        }
      </Awaited>
    </>
  );
}
