import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../errors.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { History, IndexTotals, TimeRange } from '../../ops/store/index.ts';
import { idPath, seriesQuery, tablesQuery } from '../api/parameters.ts';
import { type TableDetail, tableDetail, tables, type Tables } from '../api/relations.ts';
import { type Api, type AppContext, historyOf, pickMonitor } from '../context.ts';
import { isoRange, ratio } from '../present/statements.ts';
import { joinTables, sizeOf, type TableParts, tableSummary } from '../present/tables.ts';
import { niceStep, rangeOf } from '../request/range.ts';
import { answers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/tables',
  summary: 'Tables: size, rows, scans and upkeep over a time range',
  request: { query: queryOf(tablesQuery) },
  responses: answers(tables, 'Tables', 400, 404, 503),
});

const detailRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/tables/{id}',
  summary: 'One table with its indexes and its course',
  request: { params: idPath, query: queryOf(seriesQuery) },
  responses: answers(tableDetail, 'The table', 400, 404, 503),
});

type Summary = Tables['tables'][number];

/** Tables and one table. */
export function tableRoutes(app: Api, context: AppContext): void {
  app.openapi(listRoute, async (c) => {
    const query = c.req.valid('query');
    const monitor = pickMonitor(context, query.database);
    const range = rangeOf(query);
    const { parts, coveredSeconds } = await readTables(historyOf(context), monitor, range);
    const search = query.search?.toLowerCase() ?? '';
    const found = parts
      .filter(({ key }) => query.schema === undefined || key.schema === query.schema)
      .filter(({ key }) => `${key.schema}.${key.name}`.toLowerCase().includes(search))
      .map(tableSummary)
      .toSorted(by(query.sort, query.order));
    return c.json(
      {
        database: monitor.name,
        ...isoRange(range),
        coveredSeconds,
        count: found.length,
        totalBytes: found.reduce((sum, table) => sum + table.totalBytes, 0),
        tables: found.slice(query.offset, query.offset + query.limit),
      },
      200,
    );
  });

  app.openapi(detailRoute, async (c) => {
    const { id } = c.req.valid('param');
    const query = c.req.valid('query');
    const monitor = pickMonitor(context, query.database);
    const range = rangeOf(query);
    const history = historyOf(context);
    const { targetId } = monitor;
    const { parts } = await readTables(history, monitor, range);
    const part = parts.find(({ totals }) => totals?.id === id);
    if (!part) {
      throw new PitcrewError('E_NOT_FOUND', `no table ${id} of "${monitor.name}"`, {
        detail: 'It may have been dropped, or nothing of it was recorded in this time range.',
        hint: 'Ids come from /api/v1/database/tables and belong to one database.',
      });
    }
    const { schema, name } = part.key;
    const [indexes, series] = await Promise.all([
      history.indexes({ targetId, from: range.from, to: range.to, schema, table: name }),
      history.tableSeries({ targetId, id, ...range }),
    ]);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(series),
        step: series.step,
        table: tableSummary(part),
        indexes: indexes.relations.map(presentIndex),
        series: columns(series.points),
      },
      200,
    );
  });
}

/** Tables as they are, with what they did in the range and how large they were at its beginning. */
async function readTables(
  history: History,
  monitor: DatabaseMonitor,
  range: TimeRange,
): Promise<{ parts: TableParts[]; coveredSeconds: number }> {
  const { targetId } = monitor;
  const { from, to } = range;
  // One or two samples at the beginning, whatever width they are rolled up to by now.
  const begin = { from, to: new Date(from.getTime() + 2000 * Math.max(60, niceStep(range, 200))) };
  const [totals, before] = await Promise.all([
    history.tables({ targetId, from, to }),
    history.tables({ targetId, ...begin }),
  ]);
  return {
    parts: joinTables(monitor.tables(), totals.relations, before.relations),
    coveredSeconds: totals.coveredSeconds,
  };
}

/** Order of tables by a column; what is not known comes last either way. */
function by(sort: keyof Summary, order: 'asc' | 'desc'): (a: Summary, b: Summary) => number {
  const sign = order === 'asc' ? 1 : -1;
  return (a, b) => {
    if (sort === 'name') return sign * `${a.schema}.${a.name}`.localeCompare(`${b.schema}.${b.name}`);
    const [left, right] = [a[sort], b[sort]];
    if (typeof left !== 'number') return typeof right === 'number' ? 1 : 0;
    return typeof right === 'number' ? sign * (left - right) : -1;
  };
}

function presentIndex({ key, counters, gauges }: IndexTotals): TableDetail['indexes'][number] {
  return {
    name: key.name,
    bytes: gauges.bytes,
    scans: counters.scans,
    rowsRead: counters.rowsRead,
    rowsFetched: counters.rowsFetched,
    hitRatio: ratio(counters.blocksHit, counters.blocksHit + counters.blocksRead),
  };
}

type Points = Awaited<ReturnType<History['tableSeries']>>['points'];

function columns(points: Points): TableDetail['series'] {
  const rate = (pick: (counters: Points[number]['counters']) => number) =>
    points.map((point) => ratio(pick(point.counters), point.coveredSeconds));
  return {
    at: points.map((point) => point.at),
    seqScansPerSecond: rate((counters) => counters.seqScans),
    indexScansPerSecond: rate((counters) => counters.indexScans),
    insertsPerSecond: rate((counters) => counters.inserts),
    updatesPerSecond: rate((counters) => counters.updates),
    deletesPerSecond: rate((counters) => counters.deletes),
    liveRows: points.map((point) => point.gauges?.liveRows ?? null),
    deadRows: points.map((point) => point.gauges?.deadRows ?? null),
    totalBytes: points.map((point) => (point.gauges === null ? null : sizeOf(point.gauges))),
  };
}
