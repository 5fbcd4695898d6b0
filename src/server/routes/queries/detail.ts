import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import type { History, StatementSeriesAnswer } from '../../../ops/store/index.ts';
import { statementPattern } from '../../../sql/index.ts';
import { idPath, seriesQuery } from '../../api/parameters.ts';
import { queryDetail as queryDetailSchema } from '../../api/queries.ts';
import { type Api, type AppContext, storeOf } from '../../context.ts';
import { presentApplied } from '../../present/advice.ts';
import { queryDetail, type Reported } from '../../present/query-detail.ts';
import { presentPlans } from '../../present/plans.ts';
import { isReportable } from '../../present/statements.ts';
import { courseOf, pastOf } from '../../request/past.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { executionTime } from './list.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/{id}',
  summary: 'One statement with its totals and its course',
  request: { params: idPath, query: queryOf(seriesQuery) },
  responses: answers(queryDetailSchema, 'The statement', 400, 404, 503),
});

/** PostgreSQL's default, for a server that was never reached. */
const defaultBlockSize = 8192;

/** One statement. */
export function queryDetailRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, targetId, range, history } = past;
    const statement = await history.statement(targetId, id);
    if (!statement) {
      throw new PitcrewError('E_NOT_FOUND', `no statement ${id} of "${monitor.name}"`, {
        hint: 'Ids come from /api/v1/database/queries/analysis and belong to one database.',
      });
    }
    const course = await courseOf(past, query);
    const tables = statementPattern(statement.text ?? '').tables.map((name) => name.replaceAll('"', ''));
    const queryIds = [statement.key.queryId, String(id)];
    const [found, allExecUs, kept, applied] = await Promise.all([
      history.statementSeries({ targetId, ids: [id], ...course }),
      executionTime(history, monitor, range),
      history.plans({ targetId, statementId: id }),
      storeOf(context).advice.applied({ targetId, ...course, tables, queryIds }),
    ]);
    const series = found.get(id) ?? { ...course, points: [] };
    const blockSize = monitor.status().server?.blockSize ?? defaultBlockSize;
    const slowMs = context.config.monitor.slowStatement;
    const ownDatabase = monitor.status().server?.database;
    const reported = isReportable(statement, { ownDatabase })
      ? await readReported(history, targetId, statement.fingerprint, series)
      : undefined;
    const detail = { allExecUs, slowMs, blockSize, ownDatabase };
    const about = queryDetail(monitor.name, statement, series, reported, detail);
    return c.json({ ...about, ...presentPlans(kept), appliedAdvice: presentApplied(applied) }, 200);
  });
}

/** What applications told of a statement, over the same course; `undefined` when none did. */
async function readReported(
  history: History,
  targetId: number,
  fingerprint: string | null,
  { from, to, step }: Pick<StatementSeriesAnswer, 'from' | 'to' | 'step'>,
): Promise<Reported | undefined> {
  const known = fingerprint === null ? undefined : await history.applicationStatement({ targetId, fingerprint });
  if (!known) return undefined;
  const question = { targetId, from, to, fingerprint: known.fingerprint };
  const [series, callers] = await Promise.all([
    history.applicationSeries({ ...question, step }),
    history.callers(question),
  ]);
  return { applications: known.applications, series, callers };
}
