import type { ClientBase } from 'pg';
import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import { families } from '../families.ts';
import { addRow, emptyRows, type FamilyRows } from '../write/rows.ts';
import { addCounts, histogramText } from './histogram-elements.ts';
import { wholeFingerprint } from './limits.ts';
import { type ApplicationNames, type CallerName, type StatementName } from './names.ts';
import { amount, entryOf, inOrder, type PreparedReport, type RowKey, timeOf } from './prepared.ts';
import { prepareActivities } from './prepare-activities.ts';
import { prepareCaches } from '../caches/prepare.ts';
import type { ApplicationCounters, CallerCounters, ReceivedReport } from './types.ts';

type Statement = ApplicationReport['statements'][number];

/** Reports ready to be written, and what their names were last seen at. */
export interface Prepared {
  reports: PreparedReport[];
  seenStatements: Map<number, number>;
  seenCallers: Map<number, number>;
  seenActivities: Map<number, number>;
  seenCaches: Map<number, number>;
  seenCacheParts: Map<number, number>;
}

/** Resolves names to numbers (making new ones). Not for use within a transaction. */
export async function prepareReports(
  client: ClientBase,
  names: ApplicationNames,
  received: readonly ReceivedReport[],
): Promise<Prepared> {
  const applications = await names.applications(
    client,
    received.map(({ targetId, report, at }) => ({ targetId, name: report.application, at: at.getTime() })),
  );
  const reports = received.map((each, index): PreparedReport => {
    const applicationId = applications[index] ?? 0;
    return { received: each, applicationId, wholeId: 0, statements: [], callers: [], activities: [], caches: [] };
  });

  const found = reports.flatMap((prepared) => statementsOf(prepared).map((entry) => ({ prepared, ...entry })));
  const statements = await names.statements(
    client,
    found.map(({ name }) => name),
  );
  const callers: { prepared: PreparedReport; name: CallerName; counters: CallerCounters; most: number }[] = [];
  for (const [index, { prepared, name, statement, repeated }] of found.entries()) {
    const id = statements.ids[index] ?? 0;
    if (name.fingerprint === wholeFingerprint) prepared.wholeId = id;
    if (statement) {
      prepared.statements.push({
        id,
        counters: countersOf(statement),
        maxUs: amount(statement.maxMs * 1000),
        latency: statement.histogram,
        fingerprint: statement.fingerprint,
        text: statement.text,
        parameters: statement.parameters,
      });
    }
    const calledBy = statement ? callersOf(statement) : repeatedOf(repeated ?? []);
    callers.push(
      ...calledBy.map((entry) => ({ ...entry, prepared, name: { ...entry.name, statementId: id, at: name.at } })),
    );
  }
  const numbers = await names.callers(
    client,
    callers.map(({ name }) => name),
  );
  for (const [index, { prepared, counters, most }] of callers.entries()) {
    prepared.callers.push({ id: numbers.ids[index] ?? 0, counters, most });
  }
  const seenActivities = await prepareActivities(client, names, reports);
  const { seenCaches, seenParts } = await prepareCaches(client, names, reports);
  return {
    reports,
    seenStatements: statements.stale,
    seenCallers: numbers.stale,
    seenActivities,
    seenCaches,
    seenCacheParts: seenParts,
  };
}

interface Found {
  name: StatementName;
  statement?: Statement;
  repeated?: ApplicationReport['repeated'];
}

/** All statements of a report together, each of them, and those of which repetitions are told. */
function statementsOf({ received: { targetId, report, at }, applicationId }: PreparedReport): Found[] {
  const told = new Map(report.statements.map((statement) => [statement.fingerprint, statement]));
  const name = (fingerprint: string): StatementName => {
    const { kind = 'unknown', text = null } = told.get(fingerprint) ?? {};
    return { targetId, applicationId, fingerprint, kind, text, at: at.getTime() };
  };
  const repeated = Map.groupBy(report.repeated, ({ fingerprint }) => fingerprint);
  return [
    { name: name(wholeFingerprint) },
    ...report.statements.map((statement) => ({ name: name(statement.fingerprint), statement })),
    ...[...repeated].map(([fingerprint, list]) => ({ name: name(fingerprint), repeated: list })),
  ];
}

function countersOf({ calls, errors, rows, totalMs, waitMs }: Statement): ApplicationCounters {
  return {
    calls: amount(calls),
    errors: amount(errors),
    rows: amount(rows),
    totalUs: amount(totalMs * 1000),
    waitUs: amount(waitMs * 1000),
  };
}

interface FoundCaller {
  name: Pick<CallerName, 'kind' | 'scope' | 'site'>;
  counters: CallerCounters;
  most: number;
}

function callersOf({ callSites, scopes }: Statement): FoundCaller[] {
  return [
    ...callSites.map(({ site, calls }) => ({
      name: { kind: 'site' as const, scope: '', site },
      counters: { calls: amount(calls), requests: 0 },
      most: 0,
    })),
    ...scopes.map(({ name, calls, requests, most }) => ({
      name: { kind: 'scope' as const, scope: name, site: '' },
      counters: { calls: amount(calls), requests: amount(requests) },
      most: amount(most),
    })),
  ];
}

function repeatedOf(repeated: ApplicationReport['repeated']): FoundCaller[] {
  return repeated.map(({ scope, site, requests, most }) => ({
    name: { kind: 'repeated', scope, site },
    counters: { calls: 0, requests: amount(requests) },
    most: amount(most),
  }));
}

/** What reports tell of statements, added up. */
export interface Sum {
  counters: ApplicationCounters;
  maxUs: number;
  latency: Map<number, number>;
}

/** Rows of all reports together, one for each statement and caller in each piece of time, and what each application adds. */
export function rowsOfReports(reports: readonly PreparedReport[]): {
  application: FamilyRows;
  caller: FamilyRows;
  sums: Map<number, Sum>;
} {
  const statements = new Map<string, Sum & { row: RowKey }>();
  const callers = new Map<string, { row: RowKey; counters: CallerCounters; most: number }>();
  const sums = new Map<number, Sum>();
  for (const { received, applicationId, wholeId, ...found } of reports) {
    const sumOf = (id: number) => {
      const row = { targetId: received.targetId, id, at: timeOf(received, 'application') };
      return entryOf(statements, `${id}/${row.at}`, () => ({ ...emptySum(), row }));
    };
    const wholes = [sumOf(wholeId), entryOf(sums, applicationId, emptySum)];
    for (const { id, counters, maxUs, latency } of found.statements) {
      for (const sum of [sumOf(id), ...wholes]) {
        addTo(sum.counters, counters);
        addCounts(sum.latency, latency);
        sum.maxUs = Math.max(sum.maxUs, maxUs);
      }
    }
    for (const { id, counters, most } of found.callers) {
      const row = { targetId: received.targetId, id, at: timeOf(received, 'caller') };
      const entry = entryOf(callers, `${id}/${row.at}`, () => ({ row, counters: { calls: 0, requests: 0 }, most: 0 }));
      addTo(entry.counters, counters);
      entry.most = Math.max(entry.most, most);
    }
  }
  const rows = { application: emptyRows(families.application), caller: emptyRows(families.caller), sums };
  for (const { row, counters, maxUs, latency } of inOrder(statements)) {
    const { calls, errors, rows: many, totalUs, waitUs } = counters;
    const values = [calls, errors, many, totalUs, waitUs, maxUs, histogramText(latency)];
    addRow(rows.application, row.targetId, row.id, row.at, values);
  }
  for (const { row, counters, most } of inOrder(callers)) {
    addRow(rows.caller, row.targetId, row.id, row.at, [counters.calls, counters.requests, most]);
  }
  return rows;
}

const emptySum = (): Sum => ({
  counters: { calls: 0, errors: 0, rows: 0, totalUs: 0, waitUs: 0 },
  maxUs: 0,
  latency: new Map(),
});

function addTo<Counters extends { [Name in keyof Counters]: number }>(into: Counters, counters: Counters): void {
  for (const name of Object.keys(into) as (keyof Counters)[]) {
    into[name] = (into[name] + counters[name]) as Counters[keyof Counters];
  }
}
