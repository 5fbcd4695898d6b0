import type { Doctor } from '../../../src/server/api/system.ts';
import { Empty } from '../components/states.tsx';
import { Fix } from '../components/fix.tsx';
import { databaseUrl } from '../data/api.ts';
import { useResource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';

/** Why there are no statements: what keeps them from being read, and what would change that, or only that none ran. */
export function NoStatements() {
  const { query, to } = useUrl();
  const doctor = useResource<Doctor>(databaseUrl('/doctor', query), { on: ['status', 'slow'], everyMs: 10_000 });
  const unreadable = doctor.data?.server
    ? doctor.data.skipped.find(({ subject }) => subject === 'pg_stat_statements')
    : undefined;
  if (unreadable) {
    return (
      <div class="state">
        <p class="state-title">Statements cannot be read</p>
        <p>pg_stat_statements: {unreadable.reason}.</p>
        {unreadable.fix !== null && <Fix text={unreadable.fix} />}
      </div>
    );
  }
  return (
    <Empty title="No statement was counted in this range">
      Statements appear within seconds of being executed. <a href={to('/server')}>What is read, and how often</a>
    </Empty>
  );
}
