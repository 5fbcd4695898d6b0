import type { Dashboard } from '../../../src/server/api/performance.ts';
import { StatusBadge } from '../components/status.tsx';

/** Why parts of the page are missing. */
export function DashboardNotices({ notices }: { notices: Dashboard['notices'] }) {
  if (notices.length === 0) return null;
  return (
    <ul class="dashboard-notices">
      {notices.map(({ code, message, hint }) => (
        <li key={code + message}>
          <StatusBadge tone="info" />
          <span>
            {message} {hint !== null && <span class="muted">{hint}</span>}
          </span>
        </li>
      ))}
    </ul>
  );
}
