import { isBuiltinSchema } from './content.ts';
import { builtinOperators, harmlessVolatileFunctions, steadyFunctions } from './known-functions.ts';

/** What an application knows of its own functions and operators, and a statement's text does not tell. */
export interface DeclaredFunctions {
  /**
   * Functions that change nothing: `['app.visible_to', 'similarity', 'st_*']`. Named as statements call them, with their
   * schema when it is written there; `*` at the end stands for any rest.
   */
  readOnlyFunctions?: readonly string[];
  /**
   * Functions that write but leave nothing in their session (no SET, temporary tables, session locks), so that calling them may
   * share a connection; and functions that bear the name of a built-in one, but write: `['app.audit', 'log']`.
   */
  writingFunctions?: readonly string[];
  /** Operators of extensions that change nothing: `['<=>', '<#>']` of pgvector. */
  readOnlyOperators?: readonly string[];
}

/** What calling a function does: nothing that stays, or it writes, or it may change or need what its session holds. */
export type Effect = 'none' | 'write' | 'session';

/** Built-in functions that write and leave nothing in their session. */
const writing = new Set(
  `nextval setval pg_notify pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
  pg_try_advisory_xact_lock_shared pg_current_xact_id txid_current pg_cancel_backend pg_terminate_backend
  pg_logical_emit_message`.split(/\s+/),
);

/** Built-in functions that only read, but what they read is their session's. */
const readingSession = new Set(
  `current_setting inet_client_port pg_backend_pid pg_cursor pg_is_other_temp_schema pg_listening_channels pg_my_temp_schema
  pg_prepared_statement`.split(/\s+/),
);

export interface Judge {
  effectOf(functionName: readonly string[]): Effect;
  /** Reads only, but depends on its session. */
  readsSession(functionName: readonly string[]): boolean;
  knowsOperator(name: readonly string[]): boolean;
}

/** Judges functions whose schema and name are known from the catalog. */
export interface FunctionJudge {
  /** What an application says of a function of its own; `undefined` when it says nothing. */
  declared(schema: string, name: string): 'none' | 'write' | undefined;
  /** Whether a built-in function that is declared volatile is known to change no row of any table. */
  leavesRows(name: string): boolean;
}

/** Built-in functions that are bound to their session and change no row of any table. */
const settingSession = new Set(
  `currval lastval set_config setseed pg_advisory_lock pg_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_all
  pg_advisory_unlock_shared pg_try_advisory_lock pg_try_advisory_lock_shared pg_export_snapshot pg_notification_queue_usage`.split(
    /\s+/,
  ),
);

export function judgeFunctions({ readOnlyFunctions, writingFunctions }: DeclaredFunctions = {}): FunctionJudge {
  const isRead = matcher(readOnlyFunctions);
  const isWriting = matcher(writingFunctions);
  return {
    declared(schema, name) {
      const names = [name, `${schema}.${name}`];
      if (names.some(isWriting)) return 'write';
      return names.some(isRead) ? 'none' : undefined;
    },
    leavesRows: (name) => harmlessVolatileFunctions.has(name) || writing.has(name) || settingSession.has(name),
  };
}

/** Judges functions and operators by the list of the built-in ones and by what the application has declared. */
export function judge(declared: DeclaredFunctions = {}): Judge {
  const isRead = matcher(declared.readOnlyFunctions);
  const isWriting = matcher(declared.writingFunctions);
  const operators = new Set(declared.readOnlyOperators);
  return {
    effectOf(names) {
      const name = names.join('.');
      if (isWriting(name)) return 'write';
      if (isRead(name)) return 'none';
      const last = names.at(-1) ?? '';
      if (!isBuiltinSchema(names)) return 'session';
      if (steadyFunctions.has(last) || harmlessVolatileFunctions.has(last)) return 'none';
      return writing.has(last) ? 'write' : 'session';
    },
    readsSession: (names) => isBuiltinSchema(names) && readingSession.has(names.at(-1) ?? ''),
    knowsOperator(names) {
      const last = names.at(-1) ?? '';
      return operators.has(last) || (isBuiltinSchema(names) && builtinOperators.has(last));
    },
  };
}

/** Tells whether a name is among some, of which those that end in `*` stand for all that begin so. */
function matcher(names: readonly string[] = []): (name: string) => boolean {
  const whole = new Set(names.filter((name) => !name.endsWith('*')));
  const beginnings = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => whole.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}
