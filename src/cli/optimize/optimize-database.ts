import type { LoadedConfig } from '../../config/index.ts';
import type {
  KeyMetrics,
  LeftOut,
  MaintenancePlan,
  SessionResult,
  StaleSession,
  TaskResult,
} from '../../ops/maintenance/index.ts';
import { confirm } from '../confirm.ts';
import { progressLine } from '../progress-line.ts';
import { openAudit } from './audit.ts';
import { type OptimizeOptions, type Part, policyOf } from './options.ts';
import { explainSlowStatements, type SlowStatement } from './slow-statements.ts';

/** What `pitcrew optimize` found and did of one database. */
export interface Optimized {
  database: string;
  address: string;
  dryRun: boolean;
  metrics: KeyMetrics | null;
  slow: { statements: SlowStatement[]; reason: string | null; fix: string | null } | null;
  plan: MaintenancePlan | null;
  /** Empty in a dry run, or when it was not agreed to. */
  results: TaskResult[];
  stale: { sessions: StaleSession[]; leftOut: LeftOut[] } | null;
  ended: SessionResult[];
  /** False when whoever was asked did not agree. */
  agreed: boolean;
}

export interface Target {
  name: string;
  url: string;
  loaded: LoadedConfig;
  wanted: ReadonlySet<Part>;
  options: OptimizeOptions;
  signal: AbortSignal;
  /** Shows what was found before anybody is asked. */
  show(found: Optimized): void;
}

/**
 * Looks at one database, asks, and does what is needed.
 * @throws {PitcrewError} `E_UNSUPPORTED` on a standby; `E_USAGE` where there is nobody to ask; `E_CONFLICT` when another change is under
 * way; of connecting.
 */
export async function optimizeDatabase(target: Target): Promise<Optimized> {
  const { name, url, wanted, options } = target;
  const { openCheckContext } = await import('../../ops/advisor/index.ts');
  const maintenance = await import('../../ops/maintenance/index.ts');
  await using context = await openCheckContext({ url, name });
  const asked = { analyze: wanted.has('analyze'), optimize: wanted.has('optimize') };
  // First, because it refuses a standby.
  const plan = asked.analyze || asked.optimize ? await maintenance.planMaintenance(context, asked) : null;
  const stale = wanted.has('cleanup')
    ? await maintenance.findStaleSessions(context.connection, context.profile, policyOf(options))
    : null;
  const found: Optimized = {
    database: name,
    address: context.connection.address,
    dryRun: options.dryRun ?? false,
    metrics: wanted.has('metrics') ? await maintenance.readKeyMetrics(context) : null,
    slow: wanted.has('explain') ? await explainSlowStatements(context, url) : null,
    plan,
    results: [],
    stale,
    ended: [],
    agreed: true,
  };
  const changes = (plan?.tasks.length ?? 0) + (stale?.sessions.length ?? 0);
  if (changes === 0 || found.dryRun) return found;
  if (!options.yes && !(await agreed(found, target))) return { ...found, agreed: false };
  await using audit = await openAudit(target.loaded, name);
  const { signal } = target;
  if (stale) {
    found.ended = await maintenance.endSessions(context.connection, stale.sessions, audit.journal, signal);
  }
  if (plan) {
    const line = progressLine(options.quiet ?? false);
    found.results = await maintenance.runMaintenance(context, plan, {
      url,
      journal: audit.journal,
      planned: asked,
      maxMs: options.maxTime,
      load: { activeSessions: options.maxActive },
      force: options.force ?? false,
      signal,
      tell(event) {
        if (event.type === 'waiting') line.show(`waiting: ${event.why}`);
        else if (event.type === 'running') line.show(`${event.number}/${event.of} ${event.task.statement}`);
      },
    });
    line.end(`${found.results.filter(({ outcome }) => outcome === 'done').length} of ${plan.tasks.length} done`);
  }
  return found;
}

function agreed(found: Optimized, { show }: Target): Promise<boolean> {
  return confirm(async () => {
    show(found);
    const statements = found.plan?.tasks.length ?? 0;
    const sessions = found.stale?.sessions.length ?? 0;
    const wishes = [
      ...(statements > 0 ? [`run ${statements} statement${statements === 1 ? '' : 's'}`] : []),
      ...(sessions > 0 ? [`end ${sessions} session${sessions === 1 ? '' : 's'}`] : []),
    ];
    return `On ${found.database}: ${wishes.join(' and ')}?`;
  });
}
