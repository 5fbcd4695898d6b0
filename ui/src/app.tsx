import { ErrorBoundary, LocationProvider, Route, Router, useRoute } from 'preact-iso';
import { AdvicePage } from './advice/advice-page.tsx';
import { AdviceDetailPage } from './advice/advice-detail-page.tsx';
import { ApplicationsPage } from './applications/applications-page.tsx';
import { BackupPage } from './backups/backup-page.tsx';
import { BackupsPage } from './backups/backups-page.tsx';
import { RunPage } from './backups/run-page.tsx';
import { CachePage } from './cache/cache-page.tsx';
import { Toasts } from './components/toast.tsx';
import { basePath } from './data/base.ts';
import { useStore } from './data/store.ts';
import { signedOut } from './data/client.ts';
import { IndexesPage } from './indexes/indexes-page.tsx';
import { Overview } from './overview/overview.tsx';
import { ApplicationStatementPage } from './queries/application-statement-page.tsx';
import { QueriesPage } from './queries/queries-page.tsx';
import { QueryPage } from './queries/query-page.tsx';
import { ServerPage } from './server/server-page.tsx';
import { SessionsPage } from './sessions/sessions-page.tsx';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';
import { SignIn } from './shell/sign-in.tsx';
import { TablePage } from './tables/table-page.tsx';
import { TablesPage } from './tables/tables-page.tsx';

/** Links to the API and its documentation leave the dashboard. */
const pages = new RegExp(`^${basePath}/(?!api/|metrics|healthz|readyz)`);

export function App() {
  return (
    <LocationProvider scope={pages}>
      {useStore(signedOut) ? (
        <SignIn />
      ) : (
        <Shell>
          <ErrorBoundary>
            <Router onRouteChange={focusHeading}>
              <Route path={`${basePath}/`} component={Overview} />
              <Route path={`${basePath}/queries`} component={QueriesPage} />
              <Route path={`${basePath}/queries/:id`} component={QueryRoute} />
              <Route path={`${basePath}/queries/application/:fingerprint`} component={ApplicationStatementPage} />
              <Route path={`${basePath}/applications`} component={ApplicationsPage} />
              <Route path={`${basePath}/cache`} component={CachePage} />
              <Route path={`${basePath}/sessions`} component={SessionsPage} />
              <Route path={`${basePath}/tables`} component={TablesPage} />
              <Route path={`${basePath}/tables/:id`} component={TableRoute} />
              <Route path={`${basePath}/indexes`} component={IndexesPage} />
              <Route path={`${basePath}/advice`} component={AdvicePage} />
              <Route path={`${basePath}/advice/:id`} component={AdviceRoute} />
              <Route path={`${basePath}/backups`} component={BackupsPage} />
              <Route path={`${basePath}/backups/runs/:id`} component={RunRoute} />
              <Route path={`${basePath}/backups/:id`} component={BackupPage} />
              <Route path={`${basePath}/server`} component={ServerPage} />
              <Route default component={NotFound} />
            </Router>
          </ErrorBoundary>
        </Shell>
      )}
      <Toasts />
    </LocationProvider>
  );
}

/** Statements, tables, advice and runs are numbered: what is no number is no page. */
const isNumbered = () => /^\d+$/.test(useRoute().params['id'] ?? '');
const QueryRoute = () => (isNumbered() ? <QueryPage /> : <NotFound />);
const AdviceRoute = () => (isNumbered() ? <AdviceDetailPage /> : <NotFound />);
const RunRoute = () => (isNumbered() ? <RunPage /> : <NotFound />);
const TableRoute = () => (isNumbered() ? <TablePage /> : <NotFound />);

/** After moving to another page, reading goes on at its heading. */
function focusHeading(): void {
  document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
}
