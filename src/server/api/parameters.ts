import { z } from '@hono/zod-openapi';
import { adviceSeverity, adviceState, runKind } from './advice.ts';
import { backupRunKind, backupRunState } from './backups.ts';
import { databaseQuery, pageQuery, rangeQuery, stepQuery } from './common.ts';

/** Text that a database can be asked for: PostgreSQL's text cannot hold a NUL character. */
const text = (length: number) =>
  z
    .string()
    .max(length)
    // eslint-disable-next-line no-control-regex -- the NUL character is what is refused
    .regex(/^[^\0]*$/, 'a text without NUL characters is allowed');

/** A number from the store or the server, as a part of the path. */
const number = z
  .string()
  .regex(/^\d{1,10}$/, 'a whole number is allowed')
  .transform(Number)
  .refine((value) => value <= 2_147_483_647, 'a whole number up to 2147483647 is allowed')
  .openapi({ type: 'integer' });

export const idPath = z.object({ id: number.openapi({ type: 'integer', param: { name: 'id', in: 'path' } }) });
export const pidPath = z.object({ pid: number.openapi({ type: 'integer', param: { name: 'pid', in: 'path' } }) });

/** How a list is sorted, by one of its columns, and which page of it is shown. */
const sortedPage = <Sort extends z.ZodType>(sort: Sort) => ({
  sort,
  order: z.enum(['asc', 'desc']).default('desc'),
  ...pageQuery,
});

/** Columns of `StatementSummary` by which statements can be sorted. */
const statementSort = z.enum([
  'totalMs',
  'calls',
  'meanMs',
  'rows',
  'sharedRead',
  'tempWritten',
  'walBytes',
  'blockReadMs',
]);
export type StatementSort = z.infer<typeof statementSort>;

const statementFilters = {
  ...rangeQuery.shape,
  search: text(500).optional().openapi({ description: 'Part of the statement, in either case.' }),
  user: text(63).optional().openapi({ description: 'Only statements of this role.' }),
  databaseName: text(63).optional().openapi({ description: 'Only statements in this database of the server.' }),
  own: z.enum(['exclude', 'include', 'only']).default('exclude').openapi({ description: "Pitcrew's own statements." }),
};

export const analysisQuery = {
  ...statementFilters,
  ...sortedPage(statementSort.default('totalMs')),
};

export const slowQuery = {
  ...analysisQuery,
  thresholdMs: z.coerce
    .number()
    .min(0)
    .max(86_400_000)
    .optional()
    .openapi({ description: 'Mean from which a statement is listed; the setting monitor.slowStatement by default.' }),
};

/** Columns of `ApplicationStatement` by which statements can be sorted. */
const applicationSort = z.enum(['totalMs', 'calls', 'errors', 'rows', 'maxMs', 'meanMs']);
export type ApplicationSort = z.infer<typeof applicationSort>;

export const applicationStatementsQuery = {
  ...rangeQuery.shape,
  search: statementFilters.search,
  application: text(100).optional().openapi({ description: 'Only what this application calls.' }),
  unmatched: z
    .enum(['true', 'false'])
    .default('false')
    .openapi({ description: "Only statements that the server's statistics do not have." }),
  ...sortedPage(applicationSort.default('totalMs')),
};

export const repeatedQuery = { ...rangeQuery.shape, limit: pageQuery.limit };

export const applicationPath = {
  name: text(100).openapi({ param: { name: 'name', in: 'path' }, description: 'Name of the application.' }),
};

/** Text that a process is handed: as a cache may have it for a key, and PostgreSQL's JSON can hold it. */
const handed = (length: number) =>
  text(length)
    .min(1)
    .refine((value) => value.isWellFormed(), 'a text without halves of surrogate pairs is allowed');

const cacheFilters = {
  application: text(100).optional().openapi({ description: 'Only caches of this application.' }),
  cache: text(100).optional().openapi({ description: 'Only caches of this name.' }),
};

export const cacheStatsQuery = { ...stepQuery.shape, ...cacheFilters };

const someOf = (description: string) => z.array(handed(1000)).max(100).default([]).openapi({ description });

export const cacheClearRequest = z.strictObject(cacheFilters).openapi('CacheClearRequest');

export const cacheInvalidateRequest = z
  .strictObject({
    ...cacheFilters,
    keys: someOf('Keys, as the application gives them.'),
    tags: someOf('Tags.'),
    patterns: someOf('Patterns of keys; `*` stands for any characters.'),
    tables: someOf('Tables whose results go, of caches of queries: `orders`, `shop.orders`.'),
  })
  .refine(({ keys, tags, patterns, tables }) => keys.length + tags.length + patterns.length + tables.length > 0, {
    message: 'at least one of keys, tags, patterns and tables must name something; clear takes everything. That',
  })
  .openapi('CacheInvalidateRequest');

export const cacheWarmRequest = z
  .strictObject({ ...cacheFilters, warmer: handed(100).openapi({ description: 'Name of the warmer.' }) })
  .openapi('CacheWarmRequest');

export const commandPath = z.object({
  id: z
    .uuid({ error: 'the id of a command is allowed' })
    .openapi({ param: { name: 'id', in: 'path' }, description: 'As asking for it answered.' }),
});

export const fingerprintPath = {
  fingerprint: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/, 'hexadecimal digits are allowed')
    .openapi({ param: { name: 'fingerprint', in: 'path' } }),
};

export const patternsQuery = { ...statementFilters, limit: pageQuery.limit };

export const metricsQuery = {
  ...stepQuery.shape,
  names: text(4000).optional().openapi({
    description: 'Metrics, separated by commas: names, or beginnings such as `database.*`. All by default.',
    example: 'database.commits,sessions.*',
  }),
  format: z.enum(['json', 'prometheus']).default('json'),
};

/** Columns of `Table` by which tables can be sorted. */
const tableSort = z.enum([
  'name',
  'totalBytes',
  'growthBytes',
  'liveRows',
  'deadRows',
  'deadRatio',
  'seqScans',
  'seqRowsRead',
  'indexScans',
  'indexRatio',
  'inserts',
  'updates',
  'deletes',
  'hitRatio',
  'modifiedSinceAnalyze',
  'frozenXidAge',
]);

export const tablesQuery = {
  ...rangeQuery.shape,
  search: text(500).optional().openapi({ description: 'Part of "schema.name", in either case.' }),
  schema: text(63).optional(),
  ...sortedPage(tableSort.default('totalBytes')),
};

/** Columns of `AdviceSummary` by which advice can be sorted. */
const adviceSort = z.enum(['severity', 'title', 'kind', 'gain', 'risk', 'state', 'stateSince', 'firstSeen']);

/** Some of a few words, separated by commas. */
const wordsOf = <Word extends string>(options: readonly Word[], schema: z.ZodType<Word>, example: string) =>
  z
    .string()
    .transform((list, issue) => {
      const words = z.array(schema).safeParse(list.split(','));
      if (words.success) return words.data;
      issue.addIssue({ code: 'custom', message: `some of ${options.join(', ')}, separated by commas,` });
      return z.NEVER;
    })
    .optional()
    .openapi({ type: 'string', description: 'Only these, separated by commas.', example });

export const adviceQuery = {
  ...databaseQuery.shape,
  state: wordsOf(adviceState.options, adviceState, 'found,planned'),
  kind: text(40).optional().openapi({ description: 'Only what does this: `create-index`, `drop-index`, …' }),
  check: text(100).optional().openapi({ description: 'Only of this check.' }),
  severity: adviceSeverity.optional(),
  search: text(500).optional().openapi({ description: 'Part of the title or of "schema.table", in either case.' }),
  ...sortedPage(
    adviceSort.default('severity').openapi({
      description: 'What is alike comes in the order of `firstSeen`, the youngest first. `gain`: as it was planned.',
    }),
  ),
};

export const auditQuery = {
  ...databaseQuery.shape,
  limit: pageQuery.limit,
  before: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
};

export const preflightQuery = { ...databaseQuery.shape, purpose: z.enum(['apply', 'undo']).default('apply') };

export const adviceRequest = z
  .strictObject({
    reason: text(1000).optional().openapi({ description: 'Why: kept with it.' }),
    force: z
      .boolean()
      .default(false)
      .openapi({ description: 'Go on although something could not be told beforehand; never against a refusal.' }),
  })
  .prefault({})
  .openapi('AdviceRequest');

const budgetBytes = z
  .number()
  .int()
  .min(0)
  .max(Number.MAX_SAFE_INTEGER)
  .optional()
  .openapi({ description: 'What advised indexes may take together; the setting advisor.budget by default.' });

export const runRequest = z
  .strictObject({ kind: runKind.default('checks'), budgetBytes })
  .prefault({})
  .openapi('AdviceRunRequest');

export const optimizeRequest = z
  .strictObject({ budgetBytes, apply: z.boolean().default(false) })
  .prefault({})
  .openapi('OptimizeRequest');

export const indexesQuery = {
  ...databaseQuery.shape,
  search: text(500).optional().openapi({ description: 'Part of "schema.table", in either case.' }),
  ...pageQuery,
};

export const backupRunsQuery = {
  ...databaseQuery.shape,
  kind: wordsOf(backupRunKind.options, backupRunKind, 'full,incremental'),
  state: wordsOf(backupRunState.options, backupRunState, 'failed'),
  ...pageQuery,
};

export const backupPath = z.object({
  id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._+=-]{0,100}$/, 'the name of a backup is allowed')
    .openapi({
      param: { name: 'id', in: 'path' },
      description: 'Name of the backup.',
      example: '20261130T014500Z-full',
    }),
});

export const backupRequest = z
  .strictObject({
    type: backupRunKind.default('full').openapi({
      description:
        'A backup; or a restore that proves the latest full one, a check of all that is stored, a removal of what is too much.',
    }),
  })
  .prefault({})
  .openapi('BackupRequest');

export const oneDatabaseQuery = databaseQuery.shape;
export const seriesQuery = stepQuery.shape;
export const dashboardQuery = rangeQuery.shape;

export const signInRequest = z.strictObject({ token: z.string().min(1).max(1000) }).openapi('SignInRequest');
export const signInAnswer = z
  .object({
    signedIn: z.boolean(),
    tokenRequired: z.boolean().openapi({ description: 'False when the server runs without a token.' }),
  })
  .openapi('SignInAnswer');

export const resetAnswer = z.object({ database: z.string(), done: z.boolean() }).openapi('ResetAnswer');

export const readiness = z
  .object({ status: z.enum(['ready']), databases: z.number().int() })
  .openapi('Readiness', { description: 'The store takes data and at least one database is watched.' });

export const liveness = z.object({ status: z.enum(['ok']), version: z.string() }).openapi('Liveness');
