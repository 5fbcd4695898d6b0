import type { QueryPatch } from '../data/url-state.ts';

interface Place {
  path: string;
  patch?: QueryPatch;
  words: string;
}

const queries: Place = { path: '/queries', words: 'Show queries' };
const sessions: Place = { path: '/sessions', words: 'Show sessions' };
const tables: Place = { path: '/tables', words: 'Show tables' };
const server: Place = { path: '/server', words: 'Show the server' };
const settings: Place = { path: '/server', patch: { tab: 'settings', changed: true }, words: 'Show settings' };
const queriesBy = (sort: string): Place => ({ path: '/queries', patch: { sort: `-${sort}` }, words: 'Show queries' });

/** Where in the dashboard one sees what a health check speaks of. */
const places: Readonly<Record<string, Place>> = {
  'blocked-sessions': sessions,
  'long-transactions': sessions,
  'idle-in-transaction': sessions,
  connections: sessions,
  'prepared-transactions': sessions,
  deadlocks: sessions,
  'dead-rows': { path: '/tables', patch: { sort: '-deadRatio' }, words: 'Show tables' },
  'planner-statistics': { path: '/tables', patch: { sort: '-modifiedSinceAnalyze' }, words: 'Show tables' },
  wraparound: { path: '/tables', patch: { sort: '-frozenXidAge' }, words: 'Show tables' },
  'index-usage': { path: '/tables', patch: { sort: '-seqRowsRead' }, words: 'Show tables' },
  'invalid-indexes': tables,
  sequences: tables,
  'cache-hits': queriesBy('sharedRead'),
  'temporary-files': queriesBy('tempWritten'),
  'mean-statement-time': queriesBy('meanMs'),
  'slow-statements': { path: '/queries', patch: { view: 'slow' }, words: 'Show slow queries' },
  'dangerous-settings': settings,
  'pending-restart': settings,
  checkpoints: settings,
  cpu: queries,
  memory: queries,
  disk: tables,
  reachable: server,
  'statement-statistics': server,
  archiving: settings,
};

export function whereToLook(check: string): Place | undefined {
  return places[check];
}
