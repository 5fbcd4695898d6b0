import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { Health } from '../api/performance.ts';

/** The health score with its checks. */
export function presentHealth(monitor: DatabaseMonitor): Health {
  const report = monitor.health();
  return {
    database: monitor.name,
    at: report.at.toISOString(),
    status: report.status,
    score: report.score,
    grade: report.grade,
    known: report.known,
    checks: report.checks.map((check) => ({ ...check })),
  };
}
