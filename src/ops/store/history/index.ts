import type { Pool } from 'pg';
import type { History } from '../types.ts';
import { readActivities, readActivitySeries, readActivityTotals } from './activities.ts';
import {
  readApplicationFigures,
  readApplications,
  readApplicationSeries,
  readApplicationsNow,
} from './applications.ts';
import { readApplicationStatement, readApplicationStatements } from './application-statements.ts';
import { readCallers, readRepeatedCalls } from './callers.ts';
import { readCacheCommand } from '../caches/commands.ts';
import { readCaches, readCacheSeries, readCachesNow, readCacheTotals } from './caches.ts';
import { readTableGauges } from './gauges-at.ts';
import { readParameterSamples } from './parameters.ts';
import { readPlanChanges, readPlans } from '../plans/read.ts';
import { createReader } from './reader.ts';
import { readIndexes, readTables, readTableSeries } from './relations.ts';
import { readSeries } from './series.ts';
import { readStatementFacets } from './statement-facets.ts';
import { readStatement, readStatements, readStatementSeries } from './statements.ts';

/** The reading half of the store. */
export function createHistory(pool: Pool): History {
  const reader = createReader(pool);
  return {
    series: (query) => readSeries(reader, query),
    statements: (query) => readStatements(reader, query),
    statementFacets: (query) => readStatementFacets(reader, query),
    statement: (targetId, id) => readStatement(reader, targetId, id),
    statementSeries: (query) => readStatementSeries(reader, query),
    tables: (query) => readTables(reader, query),
    tableGauges: (query) => readTableGauges(reader, query),
    indexes: (query) => readIndexes(reader, query),
    tableSeries: (query) => readTableSeries(reader, query),
    applications: (query) => readApplications(reader, query),
    applicationsNow: (query) => readApplicationsNow(reader, query),
    applicationStatements: (query) => readApplicationStatements(reader, query),
    applicationStatement: (query) => readApplicationStatement(reader, query),
    applicationFigures: (query) => readApplicationFigures(reader, query),
    applicationSeries: (query) => readApplicationSeries(reader, query),
    activities: (query) => readActivities(reader, query),
    activitySeries: (query) => readActivitySeries(reader, query),
    activityTotals: (query) => readActivityTotals(reader, query),
    parameterSamples: (query) => readParameterSamples(reader, query),
    callers: (query) => readCallers(reader, query),
    repeatedCalls: (query) => readRepeatedCalls(reader, query),
    caches: (query) => readCaches(reader, query),
    cacheSeries: (query) => readCacheSeries(reader, query),
    cachesNow: (query) => readCachesNow(reader, query),
    cacheTotals: (query) => readCacheTotals(reader, query),
    plans: (query) => readPlans(reader, query),
    planChanges: (query) => readPlanChanges(reader, query),
    cacheCommand: (query) => readCacheCommand(reader, query),
  };
}
