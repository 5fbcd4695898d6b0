import { quoteIdentifier } from '../../../engine/postgres/index.ts';
import { readableName } from '../../../sql/index.ts';
import { type CheckContext, type Finding, runChecks } from '../../advisor/index.ts';
import type { LeftOut, MaintenanceTask } from '../types.ts';

/** Bytes that are read, sorted and written per second while an index is built; a rough figure. */
const bytesPerSecond = 30 * 1024 ** 2;

/** Indexes to rebuild and to remove, from what the advisor's checks find. */
export async function indexTasks(context: CheckContext): Promise<{ tasks: MaintenanceTask[]; leftOut: LeftOut[] }> {
  const results = await runChecks(context, { only: ['invalid-index', 'bloated-index'] });
  const tasks: MaintenanceTask[] = [];
  const leftOut: LeftOut[] = [];
  for (const { title, answer } of results) {
    if (answer.status === 'unknown') leftOut.push({ subject: title, reason: answer.reason, fix: answer.fix });
    else leftOut.push(...(answer.untold ?? []).map(({ reason, fix }) => ({ subject: title, reason, fix })));
    if (answer.status !== 'found') continue;
    for (const finding of answer.findings) {
      const task = taskOf(finding);
      if (task) tasks.push(task);
      else if (finding.remedy && !finding.remedy.appliable) {
        leftOut.push({ subject: nameOf(finding), reason: finding.title, fix: finding.remedy.riskDetail });
      }
    }
  }
  return { tasks, leftOut };
}

function nameOf({ subject }: Finding): string {
  return `index ${readableName(subject.schema ?? '', subject.name)}`;
}

function taskOf(finding: Finding): MaintenanceTask | undefined {
  const { subject, remedy, gain, title } = finding;
  if (!remedy?.appliable || subject.table === undefined || subject.schema === undefined) return undefined;
  const of = { schema: subject.schema, table: subject.table, tableOid: null, index: subject.name, reason: title };
  const index = `${quoteIdentifier(subject.schema)}.${quoteIdentifier(subject.name)}`;
  const freesBytes = gain?.bytes ?? 0;
  if (remedy.kind === 'drop-index') {
    // Nothing uses it, every write keeps it up to date.
    const statement = `DROP INDEX CONCURRENTLY IF EXISTS ${index}`;
    return { ...of, kind: 'drop-leftover', statement, gain: 90, estimatedSeconds: 1, needsBytes: 0, freesBytes };
  }
  if (remedy.kind !== 'reindex') return undefined;
  const needsBytes = remedy.needsBytes ?? 0;
  const invalid = finding.check === 'invalid-index';
  return {
    ...of,
    kind: 'reindex',
    statement: `REINDEX INDEX CONCURRENTLY ${index}`,
    gain: invalid ? 85 : 5 + Math.min(45, 15 * Math.log10(1 + freesBytes / 1024 ** 2)),
    estimatedSeconds: 1 + (2 * needsBytes) / bytesPerSecond,
    needsBytes,
    freesBytes,
  };
}
