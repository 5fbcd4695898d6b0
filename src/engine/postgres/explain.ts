import { PitcrewError } from '../../errors.ts';
import type { DatabaseConnection, Transaction } from './connection.ts';
import { firstWord, isPlannable, literalsAsCasts } from './explain-text.ts';
import { marked } from './marker.ts';
import type { ServerProfile } from './server-profile.ts';
import { grantRole } from './remedies.ts';

export interface ExplainRequest {
  /** One SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES; `$1` may stand for values. */
  text: string;
  /** search_path under which names are resolved; the role's own by default. */
  searchPath?: string;
}

export interface ExplainAnswer {
  /** EXPLAIN's JSON (VERBOSE): the object with `Plan`. */
  plan: unknown;
  /** EXPLAIN's text form. */
  text: string;
  /** True when it was planned without parameter values. */
  generic: boolean;
  totalCost: number;
}

const limits = { statementTimeoutMs: 2000, lockTimeoutMs: 100 };

const syntaxError = '42601';
const insufficientPrivilege = '42501';

/**
 * Plans a statement without running it. Throws `E_QUERY` (PostgreSQL's error, with SQLSTATE), `E_UNSUPPORTED` (a statement
 * that has no plan) and `E_BAD_REQUEST`.
 *
 * The text may come from anybody. It is first given to PREPARE through the extended protocol: that refuses several
 * statements in one text, and PREPARE's grammar takes nothing but a single statement that can be planned. What passed is
 * one such statement, and can be put behind EXPLAIN. All of it happens in a read-only transaction that is rolled back.
 *
 * Planning can evaluate functions that their owners declared immutable or stable. Who watches databases whose users are
 * not trusted should let Pitcrew log in as a role without superuser rights.
 */
export async function explainStatement(
  connection: DatabaseConnection,
  profile: ServerProfile,
  request: ExplainRequest,
): Promise<ExplainAnswer> {
  const word = firstWord(request.text);
  if (!isPlannable(word)) throw refusal(word);
  try {
    return await explainOnce(connection, profile, request, request.text);
  } catch (error) {
    const rewritten = literalsAsCasts(request.text);
    if (!(error instanceof PitcrewError)) throw error;
    if (error.sqlState === syntaxError && rewritten !== request.text) {
      return explainOnce(connection, profile, request, rewritten).catch(() => {
        throw withHint(error, profile.user);
      });
    }
    throw withHint(error, profile.user);
  }
}

function explainOnce(
  connection: DatabaseConnection,
  profile: ServerProfile,
  request: ExplainRequest,
  text: string,
): Promise<ExplainAnswer> {
  return connection.rolledBack(limits, async (transaction) => {
    await withoutOurSettings(transaction, request.searchPath);
    await transaction.execute(`${marked('PREPARE pitcrew_explain AS')} ${text}`);
    await transaction.execute(marked('SAVEPOINT pitcrew_explain'));
    try {
      return await explainPrepared(transaction, profile, text);
    } finally {
      // A prepared statement outlives its transaction, so it has to go however this went.
      await transaction.execute(marked('ROLLBACK TO SAVEPOINT pitcrew_explain'));
      await transaction.execute(marked('DEALLOCATE pitcrew_explain'));
    }
  });
}

/** So that it is planned as the application's own session would plan it, not with the settings of ours. */
export async function withoutOurSettings(transaction: Transaction, searchPath: string | undefined): Promise<void> {
  await transaction.execute(
    marked(`
      SELECT set_config('search_path', $1, true),
             set_config('jit', NULL, true),
             set_config('work_mem', NULL, true),
             set_config('max_parallel_workers_per_gather', NULL, true)`),
    [searchPath ?? null],
  );
}

async function explainPrepared(transaction: Transaction, profile: ServerProfile, text: string): Promise<ExplainAnswer> {
  const [prepared] = await transaction.execute<{ parameters: number }>(
    marked(`
      SELECT cardinality(parameter_types) AS "parameters"
        FROM pg_catalog.pg_prepared_statements
       WHERE name = 'pitcrew_explain'`),
  );
  const parameters = prepared?.parameters ?? 0;
  const generic = parameters > 0;
  const explain = async (options: string): Promise<unknown[]> => {
    const explained = (more: string, what: string) => `${marked('EXPLAIN')} (${options}${more}) ${what}`;
    if (!generic) return values(await transaction.execute(explained('', text)));
    // By the simple protocol: in the extended one the placeholders would be parameters of EXPLAIN itself.
    if (profile.versionNumber >= 160_000) {
      return values(await transaction.simple(explained(', GENERIC_PLAN', text)));
    }
    const nulls = Array.from({ length: parameters }, () => 'NULL').join(', ');
    return values(await transaction.execute(explained('', `EXECUTE pitcrew_explain(${nulls})`)));
  };
  if (generic) await transaction.execute(marked(`SET LOCAL plan_cache_mode = force_generic_plan`));
  const [json] = await explain('FORMAT JSON, VERBOSE');
  const lines = await explain('FORMAT TEXT');
  const plan: unknown = Array.isArray(json) ? json[0] : json;
  return { plan, text: lines.join('\n'), generic, totalCost: totalCostOf(plan) };
}

function values(rows: object[]): unknown[] {
  return rows.map((row) => Object.values(row)[0]);
}

export function totalCostOf(plan: unknown): number {
  const root: unknown = typeof plan === 'object' && plan !== null && 'Plan' in plan ? plan.Plan : undefined;
  const cost: unknown =
    typeof root === 'object' && root !== null && 'Total Cost' in root ? root['Total Cost'] : undefined;
  if (typeof cost !== 'number') {
    throw new PitcrewError('E_UNSUPPORTED', 'the statement has no plan', {
      detail: 'A rule or a utility statement takes its place.',
    });
  }
  return cost;
}

function refusal(word: string): PitcrewError {
  if (word === '') return new PitcrewError('E_BAD_REQUEST', 'there is no statement to plan');
  if (word === 'EXPLAIN') {
    return new PitcrewError('E_UNSUPPORTED', 'the statement is an EXPLAIN already', {
      hint: 'Give the statement without EXPLAIN; it is planned, never run.',
    });
  }
  return new PitcrewError('E_UNSUPPORTED', `${word} has no plan`, {
    detail: 'Only SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES are planned.',
  });
}

export function withHint(error: PitcrewError, user: string): PitcrewError {
  const hint = hintFor(error, user);
  if (hint === undefined) return error;
  return new PitcrewError(error.code, error.message, {
    detail: error.detail,
    hint,
    sqlState: error.sqlState,
    cause: error.cause,
  });
}

function hintFor(error: PitcrewError, user: string): string | undefined {
  switch (error.sqlState) {
    case syntaxError:
      if (/at end of input|unterminated|at or near "\.\.\."/.test(error.message)) {
        return 'The text looks cut off: texts of sessions end at track_activity_query_size.';
      }
      if (/multiple commands/.test(error.message)) return 'Give one statement at a time.';
      return 'Where the server shows $1 in place of a literal, the statement may not be valid any more: put a value there.';
    case insufficientPrivilege:
      return `EXPLAIN needs the rights that running it would need: ${grantRole('pg_read_all_data', user)} for reading.`;
    case '42P01':
    case '42883':
      return 'If the application uses another search_path, give it along; the database must be the one that is watched.';
    case '42P18':
    case '42725':
    case '42P08':
      return 'The type of a placeholder cannot be told: write it as $1::type, or put a value there.';
    case '55P03':
      return 'Another session holds a lock on one of its tables; try again later.';
    default:
      return error.hint;
  }
}
