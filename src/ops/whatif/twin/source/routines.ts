import { notOfExtension, type Source, userNamespace } from './source.ts';

export interface SourceRoutine {
  subject: string;
  language: string;
  /** CREATE OR REPLACE FUNCTION, or as a stub of the same signature where the language is not ours to run. */
  sql: string;
  /** What says that it is LEAKPROOF, which only a superuser may; `null` where it is not. */
  leakproof: string | null;
  carried: boolean;
}

/**
 * Functions and procedures, as statements may call any of them; trigger functions are of no use to a planner. Those in
 * languages other than SQL and PL/pgSQL become stubs: same signature, volatility, cost and rows, no body.
 */
export function readRoutines(source: Source): Promise<SourceRoutine[]> {
  const carried = `l.lanname IN ('sql', 'plpgsql')`;
  return source.readUnlocked<SourceRoutine>(`
    SELECT format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS "subject",
           l.lanname                                                                       AS "language",
           ${carried}                                                                      AS "carried",
           CASE WHEN p.proleakproof
                THEN format('ALTER FUNCTION %I.%I(%s) LEAKPROOF', n.nspname, p.proname,
                            pg_get_function_identity_arguments(p.oid)) END                 AS "leakproof",
           CASE WHEN ${carried} AND p.proleakproof
                -- On the line of its properties, which stands before the body.
                THEN regexp_replace(pg_get_functiondef(p.oid), '^( [A-Z0-9. ]*)LEAKPROOF ?', '\\1', 'n')
                WHEN ${carried} THEN pg_get_functiondef(p.oid)
                ELSE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql %s %s COST %s%s AS %L',
                            n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
                            CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' ELSE 'VOLATILE' END,
                            CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' ELSE '' END,
                            p.procost,
                            CASE WHEN p.proretset THEN format(' ROWS %s', p.prorows) END,
                            'BEGIN RETURN NULL; END') END                                  AS "sql"
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
      JOIN pg_language l  ON l.oid = p.prolang
     WHERE p.prokind IN ('f', 'p')
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
       AND (${carried} OR p.prokind = 'f')
       -- A body that was parsed locks the relations that it names when it is written out.
       AND NOT (p.prosqlbody IS NOT NULL
                AND EXISTS (SELECT FROM pg_depend x
                             WHERE x.classid = 'pg_proc'::regclass AND x.objid = p.oid AND x.refobjid = ANY ($1::oid[])))
       AND ${userNamespace}
       AND ${notOfExtension('pg_proc', 'p.oid')}
     ORDER BY p.oid
  `);
}
