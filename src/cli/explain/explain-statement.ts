import { PitcrewError, toPitcrewError } from '../../errors.ts';
import type { PlanContext, PlanFinding } from '../../ops/advisor/index.ts';
import type { Rewrite } from '../../sql/index.ts';
import type { ExplainInput } from './input.ts';

/** A better way to write the statement, with what the planner says of it. */
export interface JudgedRewrite extends Rewrite {
  /** Planned costs of the statement and of what it would be; `null` where that is not known. */
  cost: { before: number; after: number } | null;
}

/** All that is said of a statement or plan. */
export interface Explained {
  /** `null` for a plan that came without its statement. */
  query: string | null;
  /** True when it was planned without values of its parameters. */
  generic: boolean;
  /** EXPLAIN's JSON. */
  plan: unknown;
  findings: readonly PlanFinding[];
  rewrites: readonly JudgedRewrite[];
  /** Why there are no rewrites to speak of; `null` when the statement was looked at. */
  notRewritten: string | null;
}

export interface ExplainOptions {
  url: string;
  /** Runs the statement. */
  analyze: boolean;
  timeoutMs: number;
  /** Asked before it is run. */
  consent(query: string): Promise<boolean>;
}

/** Reads a plan that was made elsewhere. */
export async function explainPasted(text: string): Promise<Explained> {
  const { findingsOf, readPlan } = await import('../../ops/advisor/index.ts');
  const { loadParser, rewritesOf } = await import('../../sql/index.ts');
  const { plan, json } = readPlan(text);
  await loadParser();
  const answer = plan.queryText === undefined ? undefined : rewritesOf(plan.queryText);
  return {
    query: plan.queryText ?? null,
    generic: false,
    plan: json,
    findings: findingsOf(plan),
    rewrites: (answer?.rewrites ?? []).map((rewrite) => ({ ...rewrite, cost: null })),
    notRewritten: answer === undefined ? 'the plan came without its statement' : (answer.reason ?? null),
  };
}

/**
 * Plans a statement on the database, or runs it.
 * @throws {PitcrewError} of the connection and of EXPLAIN; `E_NOT_FOUND` for a query id that is not known, `E_UNSAFE` for a statement
 * that is not run, `E_ABORTED` without consent
 */
export async function explainOnServer(input: ExplainInput, options: ExplainOptions): Promise<Explained> {
  const postgres = await import('../../engine/postgres/index.ts');
  const { planFindings, readRewriteCatalog } = await import('../../ops/advisor/index.ts');
  const { loadParser, rewritesOf } = await import('../../sql/index.ts');
  await loadParser();
  const connection = await postgres.connectDatabase({ url: options.url });
  try {
    const profile = await postgres.probeProfile(connection);
    const query = input.text ?? (await textOfId(connection, profile, input.queryid));
    if (options.analyze) await requireHarmless(query, options);
    const answer = options.analyze
      ? await postgres.analyzeStatement(connection, profile, { text: query, timeoutMs: options.timeoutMs })
      : await postgres.explainStatement(connection, profile, { text: query });
    const context = await contextOf(connection, answer.plan);
    const { rewrites = [], reason = null } = rewritesOf(query, await readRewriteCatalog(connection, query));
    const { plan, generic, totalCost: before } = answer;
    const judged: JudgedRewrite[] = [];
    for (const rewrite of rewrites) {
      const after = await costOf(connection, profile, rewrite);
      judged.push({ ...rewrite, cost: after === undefined ? null : { before, after } });
    }
    return { query, generic, plan, findings: planFindings(plan, context), rewrites: judged, notRewritten: reason };
  } finally {
    await connection.close();
  }
}

type Connection = import('../../engine/postgres/index.ts').DatabaseConnection;
type Profile = import('../../engine/postgres/index.ts').ServerProfile;

/** What it costs written so. What cannot be planned, as of a type that was not known, has no cost. */
async function costOf(connection: Connection, profile: Profile, { rewritten }: Rewrite): Promise<number | undefined> {
  if (rewritten === null) return undefined;
  const { explainStatement } = await import('../../engine/postgres/index.ts');
  try {
    return (await explainStatement(connection, profile, { text: rewritten })).totalCost;
  } catch (error) {
    if (toPitcrewError(error).code === 'E_QUERY') return undefined;
    throw error;
  }
}

async function textOfId(connection: Connection, profile: Profile, queryid: string): Promise<string> {
  const { everyDatabase, readStatementTexts } = await import('../../engine/postgres/index.ts');
  const { rows } = await readStatementTexts(connection, profile, [queryid], everyDatabase);
  const text = rows.find((row) => row.text !== null)?.text;
  if (typeof text === 'string') return text;
  throw new PitcrewError('E_NOT_FOUND', `no statement with the query id ${queryid} is known`, {
    detail: rows.length > 0 ? 'Its text is hidden from this role.' : undefined,
    hint:
      rows.length > 0
        ? 'GRANT pg_read_all_stats TO the role.'
        : 'pg_stat_statements must be installed in this database, and the statement may have been evicted.',
  });
}

async function requireHarmless(query: string, { consent }: ExplainOptions): Promise<void> {
  const { describe } = await import('../../sql/index.ts');
  const { kind, readOnly, session, reason } = describe(query);
  if (kind !== 'select' || !readOnly || session) {
    throw new PitcrewError('E_UNSAFE', 'only a query that certainly changes nothing is run', {
      detail: reason === undefined ? `It is a statement of kind "${kind}".` : `Not certain here: ${reason}.`,
      hint: 'Leave --analyze out to plan it without running it.',
    });
  }
  if (!(await consent(query))) throw new PitcrewError('E_ABORTED', 'not run');
}

/** What the plan alone does not say: how large its tables are, and from where on a sort or hash spills. */
async function contextOf(connection: Connection, plan: unknown): Promise<PlanContext> {
  const { planOf } = await import('../../ops/advisor/index.ts');
  const names = planOf(plan)?.nodes.flatMap(({ relation }) => relation ?? []) ?? [];
  const [settings] = await connection.run<{ workMem: number; multiplier: number }>(`
    SELECT pg_size_bytes(reset_val || 'kB')::float8 AS "workMem",
           current_setting('hash_mem_multiplier')::float8 AS "multiplier"
    FROM   pg_catalog.pg_settings
    WHERE  name = 'work_mem'`);
  const tables = await connection.run<{ schema: string; name: string; rows: number }>(
    `
    SELECT n.nspname AS "schema", c.relname AS "name", c.reltuples::float8 AS "rows"
    FROM   pg_catalog.pg_class c
    JOIN   pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE  c.relname = ANY (string_to_array($1, chr(1))::name[]) AND c.relkind IN ('r', 'p', 'm') AND c.reltuples >= 0`,
    [[...new Set(names)].join('\u0001')],
  );
  return {
    tables: tables.map(({ schema, name, rows }) => ({ schema, name, estimatedRows: rows, liveRows: rows })),
    ...(settings ? { workMemBytes: settings.workMem, hashMemMultiplier: settings.multiplier } : {}),
  };
}
