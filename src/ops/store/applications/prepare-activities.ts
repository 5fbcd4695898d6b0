import type { ClientBase } from 'pg';
import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import { activityFields, activityMaxima, families, zeroActivity } from '../families.ts';
import { addRow, emptyRows, type FamilyRows } from '../write/rows.ts';
import { addCounts, histogramText } from './histogram-elements.ts';
import { otherName, wholeName } from './limits.ts';
import type { ActivityName, ApplicationNames } from './names.ts';
import { amount, entryOf, inOrder, type PreparedReport, type RowKey, timeOf } from './prepared.ts';
import type { ActivityFigures } from './types.ts';

type Told = { name: Pick<ActivityName, 'kind' | 'name'>; figures: ActivityFigures };

/** Resolves the names of activities to numbers, and says when those that should be moved on were last seen. */
export async function prepareActivities(
  client: ClientBase,
  names: ApplicationNames,
  reports: readonly PreparedReport[],
): Promise<Map<number, number>> {
  const told = reports.flatMap((prepared) =>
    activitiesOf(prepared.received.report).map((activity) => ({ prepared, ...activity })),
  );
  const { ids, stale } = await names.activities(
    client,
    told.map(({ prepared, name }) => ({
      ...name,
      applicationId: prepared.applicationId,
      at: prepared.received.at.getTime(),
    })),
  );
  for (const [index, { prepared, name, figures }] of told.entries()) {
    const totalled = name.kind !== 'scope' || name.name === wholeName;
    prepared.activities.push({ id: ids[index] ?? 0, figures, totalled });
  }
  return stale;
}

function activitiesOf({ scopes, timers, poolCounts }: ApplicationReport): Told[] {
  const requests = scopes.map((scope) => ({
    name: { kind: 'scope' as const, name: scope.name.trim() || otherName },
    figures: figuresOf({
      count: scope.count,
      totalUs: scope.totalMs * 1000,
      statements: scope.statements,
      statementUs: scope.statementMs * 1000,
      heapGrowths: scope.heapGrowths,
      heapGrowth: scope.heapGrowth,
      maxUs: scope.maxMs * 1000,
      mostStatements: scope.mostStatements,
      mostHeapGrowth: scope.mostHeapGrowth,
      latency: scope.histogram,
    }),
  }));
  const whole: Sum = emptySum();
  for (const { figures } of requests) add(whole, figures);
  return [
    ...requests,
    ...(requests.length > 0
      ? [{ name: { kind: 'scope' as const, name: wholeName }, figures: figuresOfSum(whole) }]
      : []),
    ...timers.map(({ name, count, totalMs, maxMs, histogram }) => ({
      name: { kind: 'timer' as const, name: name.trim() || otherName },
      figures: figuresOf({ count, totalUs: totalMs * 1000, maxUs: maxMs * 1000, latency: histogram }),
    })),
    ...(poolCounts ? [{ name: { kind: 'pool' as const, name: wholeName }, figures: poolFigures(poolCounts) }] : []),
  ];
}

function poolFigures(counts: NonNullable<ApplicationReport['poolCounts']>): ActivityFigures {
  const { acquired, acquireTimeouts: timeouts, acquireErrors: errors, opened, openErrors, closed } = counts;
  return figuresOf({
    count: acquired + timeouts + errors,
    totalUs: counts.waitMs * 1000,
    maxUs: counts.waitMaxMs * 1000,
    latency: counts.waits,
    timeouts,
    errors,
    opened,
    openErrors,
    closed,
  });
}

const numbers = [...activityFields, ...activityMaxima] as const;

function figuresOf({ latency = [], ...told }: Partial<ActivityFigures>): ActivityFigures {
  const figures: ActivityFigures = { ...zeroActivity, maxUs: 0, mostStatements: 0, mostHeapGrowth: 0, latency };
  for (const name of numbers) figures[name] = amount(told[name] ?? 0);
  return figures;
}

type Sum = Omit<ActivityFigures, 'latency'> & { latency: Map<number, number> };

const emptySum = (): Sum => ({ ...figuresOf({}), latency: new Map() });

function figuresOfSum(sum: Sum): ActivityFigures {
  return { ...sum, latency: [...sum.latency] };
}

function add(sum: Sum, figures: ActivityFigures): void {
  for (const field of activityFields) sum[field] += figures[field];
  for (const field of activityMaxima) sum[field] = Math.max(sum[field], figures[field]);
  addCounts(sum.latency, figures.latency);
}

/** What an activity adds to its numbers since it was first seen. */
export interface ActivityAddition {
  id: number;
  figures: ActivityFigures;
}

/** Rows of all reports together, one for each activity in each piece of time, and what each adds to its totals. */
export function rowsOfActivities(reports: readonly PreparedReport[]): {
  rows: FamilyRows;
  additions: ActivityAddition[];
} {
  const sums = new Map<string, Sum & { row: RowKey }>();
  const totals = new Map<number, Sum>();
  for (const { received, activities } of reports) {
    for (const { id, figures, totalled } of activities) {
      const row = { targetId: received.targetId, id, at: timeOf(received, 'activity') };
      add(
        entryOf(sums, `${id}/${row.at}`, () => ({ ...emptySum(), row })),
        figures,
      );
      if (totalled) add(entryOf(totals, id, emptySum), figures);
    }
  }
  const rows = emptyRows(families.activity);
  for (const { row, latency, ...sum } of inOrder(sums)) {
    const values = [...numbers.map((name) => sum[name]), histogramText(latency)];
    addRow(rows, row.targetId, row.id, row.at, values);
  }
  return { rows, additions: [...totals].map(([id, sum]) => ({ id, figures: figuresOfSum(sum) })) };
}
