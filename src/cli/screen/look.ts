import {
  type ActivitySnapshot,
  type DatabaseMonitor,
  type HealthReport,
  largeTableRows,
  type LatestMetric,
  type MonitorStatus,
  type TableState,
  type TopStatements,
} from '../../ops/monitor/index.ts';

/** One look at a database: what the screen and the JSON document show. */
export interface Look {
  name: string;
  status: MonitorStatus;
  health: HealthReport;
  latest: ReadonlyMap<string, LatestMetric>;
  /** `undefined` where statements cannot be read. */
  top: TopStatements | undefined;
  tables: readonly TableUsage[];
  activity: ActivitySnapshot | undefined;
}

/** How a table has been read since its statistics began. */
export interface TableUsage {
  table: string;
  rows: number;
  seqScans: number;
  indexScans: number;
  /** Share of scans that used an index, 0–1. */
  indexRatio: number;
}

const most = { statements: 10, tables: 5 };

/** @param span Statements since the server began to count (`ever`), or between the last two readings (`lately`). */
export async function lookAt(monitor: DatabaseMonitor, span: 'ever' | 'lately'): Promise<Look> {
  const statements = monitor.status().collectors.find(({ name }) => name === 'statements');
  return {
    name: monitor.name,
    // What was lost meanwhile is told by the status, which is taken last.
    top:
      statements?.state === 'ok'
        ? await monitor.topStatements(span, most.statements).catch(() => undefined)
        : undefined,
    status: monitor.status(),
    health: monitor.health(),
    latest: monitor.latest(),
    tables: leastIndexed(monitor.tables()),
    activity: monitor.activity(),
  };
}

/** Large tables by how many rows were read in scans of the whole table. */
function leastIndexed(tables: readonly TableState[]): TableUsage[] {
  return tables
    .filter(({ liveRows, seqScans }) => liveRows >= largeTableRows && seqScans > 0)
    .toSorted((a, b) => b.seqScans * b.liveRows - a.seqScans * a.liveRows)
    .slice(0, most.tables)
    .map(({ schema, name, liveRows, seqScans, indexScans }) => ({
      table: `${schema}.${name}`,
      rows: liveRows,
      seqScans,
      indexScans,
      indexRatio: indexScans / (seqScans + indexScans),
    }));
}
