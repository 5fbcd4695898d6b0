import { Snapshot, snapshotOf } from '../fence/index.ts';
import { resultSettings } from '../dependencies/builtins.ts';

const separator = `E'\\x1f'`;

/**
 * Asked on the same connection right before a statement whose result is to be kept: what that sees at least, and whether its session is the
 * one that the result's key speaks of, by a hash of all that results depend on. `$1`: settings that this statement's result
 * depends on besides. The process id tells whether a pooler may have led the two to different sessions.
 */
export const probeText = `
SELECT /* pitcrew */
       pg_current_snapshot()::text                      AS "snapshot",
       pg_is_in_recovery()::text                        AS "standby",
       md5(concat_ws(${separator}, current_user, session_user, current_setting('search_path'), current_schemas(true)::text,
                     pg_my_temp_schema()::text, ${resultSettings.map((name) => `current_setting('${name}', true)`).join(', ')},
                     (SELECT string_agg(name || '=' || coalesce(current_setting(name, true), ''), ${separator} ORDER BY name)
                        FROM unnest($1::text[]) AS input (name))))
                                                        AS "session",
       pg_backend_pid()::text                           AS "pid"
`.trim();

/** What the connection has answered. */
export interface Probe {
  readonly snapshot: Snapshot;
  /** Equal for sessions in which the same statement gives the same. */
  readonly session: string;
}

/** @returns `undefined` when nothing was answered */
export function readProbe(row: readonly (string | null)[] | undefined): Probe | undefined {
  const [snapshot, standby, session] = row ?? [];
  if (!snapshot || !standby || !session) return undefined;
  return { snapshot: snapshotOf({ snapshot, standby }), session };
}
