import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../errors.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { History, IndexTotals, TableGauges, TimeRange } from '../../ops/store/index.ts';
import { idPath, seriesQuery, tablesQuery } from '../api/parameters.ts';
import { type TableDetail, tableDetail, tables, type Tables } from '../api/relations.ts';
import { type Api, type AppContext, storeOf } from '../context.ts';
import { presentApplied } from '../present/advice.ts';
import { isoRange, ratio } from '../present/values.ts';
import { joinTables, sizeOf, type TableParts, tableSummary } from '../present/tables.ts';
import { courseOf, pastOf } from '../request/past.ts';
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
    const { monitor, range, history } = pastOf(context, query);
    const { parts, coveredSeconds } = await readTables(history, monitor, range);
    const search = query.search?.toLowerCase() ?? '';
    const found = parts
      .filter(({ key }) => query.schema === undefined || key.schema === query.schema)
      .filter(({ key }) => `${key.schema}.${key.name}`.toLowerCase().includes(search));
    // How large a table was is asked for those that are shown; for all only when it decides which those are.
    const measure = (some: readonly TableParts[]) => sizesBefore(history, monitor, range, some);
    const sizes = query.sort === 'growthBytes' ? await measure(found) : undefined;
    const sorted = found
      .map((part) => ({ part, summary: summaryWith(part, sizes) }))
      .toSorted((a, b) => compare(a.summary, b.summary, query.sort, query.order));
    const page = sorted.slice(query.offset, query.offset + query.limit).map(({ part }) => part);
    const pageSizes = sizes ?? (await measure(page));
    return c.json(
      {
        database: monitor.name,
        ...isoRange(range),
        coveredSeconds,
        count: found.length,
        totalBytes: sorted.reduce((sum, { summary }) => sum + summary.totalBytes, 0),
        tables: page.map((part) => summaryWith(part, pageSizes)),
      },
      200,
    );
  });

  app.openapi(detailRoute, async (c) => {
    const { id } = c.req.valid('param');
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, targetId, range, history } = past;
    const { parts } = await readTables(history, monitor, range);
    const part = parts.find(({ totals }) => totals?.id === id);
    if (!part) {
      throw new PitcrewError('E_NOT_FOUND', `no table ${id} of "${monitor.name}"`, {
        detail: 'It may have been dropped, or nothing of it was recorded in this time range.',
        hint: 'Ids come from /api/v1/database/tables and belong to one database.',
      });
    }
    const { schema, name } = part.key;
    const course = await courseOf(past, query);
    const [sizes, indexes, series, applied] = await Promise.all([
      sizesBefore(history, monitor, range, [part]),
      history.indexes({ targetId, from: range.from, to: range.to, schema, table: name }),
      history.tableSeries({ targetId, id, ...course }),
      storeOf(context).advice.applied({ targetId, ...course, tables: [`${schema}.${name}`] }),
    ]);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(series),
        step: series.step,
        table: summaryWith(part, sizes),
        indexes: indexes.relations.map(presentIndex),
        appliedAdvice: presentApplied(applied),
        series: columns(series.points),
      },
      200,
    );
  });
}

/** Tables as they are, with what they did in the range. */
async function readTables(
  history: History,
  monitor: DatabaseMonitor,
  { from, to }: TimeRange,
): Promise<{ parts: TableParts[]; coveredSeconds: number }> {
  const totals = await history.tables({ targetId: monitor.targetId, from, to });
  return { parts: joinTables(monitor.tables(), totals.relations), coveredSeconds: totals.coveredSeconds };
}

type Sizes = ReadonlyMap<number, TableGauges>;

/** How large tables were when the range began, by the store's number. */
async function sizesBefore(
  history: History,
  { targetId }: DatabaseMonitor,
  { from }: TimeRange,
  parts: readonly TableParts[],
): Promise<Sizes> {
  const ids = parts.flatMap(({ totals }) => (totals === undefined ? [] : [totals.id]));
  return ids.length === 0 ? new Map() : history.tableGauges({ targetId, ids, at: from });
}

function summaryWith(part: TableParts, sizes: Sizes | undefined): Summary {
  return tableSummary(part, part.totals === undefined ? undefined : sizes?.get(part.totals.id));
}

/** Order of tables by a column; what is not known comes last either way. */
function compare(a: Summary, b: Summary, sort: keyof Summary, order: 'asc' | 'desc'): number {
  const sign = order === 'asc' ? 1 : -1;
  if (sort === 'name') return sign * `${a.schema}.${a.name}`.localeCompare(`${b.schema}.${b.name}`);
  const [left, right] = [a[sort], b[sort]];
  if (typeof left !== 'number') return typeof right === 'number' ? 1 : 0;
  return typeof right === 'number' ? sign * (left - right) : -1;
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
