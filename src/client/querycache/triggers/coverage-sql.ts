import { identity } from '../stream/publication-sql.ts';
import { functionSchema } from './trigger-function.ts';

/** Our functions. `f`: pg_proc. */
export const ours = `f.pronamespace = to_regnamespace('${functionSchema}') AND f.proname ~ '^tell_changes_v[0-9]+_'`;

/**
 * All tables of the application, with the triggers of ours that they have. Keys are told only where their text is the same in
 * every session.
 */
export const coverageSql = `
SELECT /* pitcrew */
       c.oid::int8::text                                                 AS "oid",
       n.nspname                                                         AS "schema",
       c.relname                                                         AS "name",
       format('%I.%I', n.nspname, c.relname)                             AS "quoted",
       c.relkind = 'r'                                                   AS "rows",
       pg_has_role(c.relowner, 'USAGE')                                  AS "owned",
       (SELECT json_agg(i.inhparent::int8)::text
          FROM pg_inherits i
         WHERE i.inhrelid = c.oid)                                       AS "parents",
       EXISTS (SELECT FROM pg_subscription_rel s
                WHERE s.srrelid = c.oid)                                 AS "subscribed",
       CASE WHEN NOT EXISTS (SELECT FROM pg_attribute a
                              WHERE a.attrelid = c.oid
                                AND a.attname = ANY (key.columns)
                                AND a.atttypid <> ALL ('{int2,int4,int8,uuid,text,varchar}'::regtype[]))
            THEN to_json(key.columns)::text END                          AS "keyColumns",
       (SELECT json_agg(concat_ws(' ', t.tgtype, t.tgenabled, coalesce(t.tgoldtable, '-'), coalesce(t.tgnewtable, '-'),
                                       f.proname))::text
          FROM pg_trigger t
          JOIN pg_proc f ON f.oid = t.tgfoid
         WHERE t.tgrelid = c.oid
           AND t.tgqual IS NULL
           AND t.tgattr = ''
           AND ${ours})                                                  AS "triggers"
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace${identity}
 WHERE c.oid >= 16384
   AND c.relkind IN ('r', 'p')
   AND c.relpersistence = 'p'
   AND n.nspname NOT IN ('information_schema', '${functionSchema}')
   AND n.nspname !~ '^pg_'
 ORDER BY c.oid
`;

/** Our functions, as they are now. */
export const functionsSql = `
SELECT /* pitcrew */
       f.proname                                                         AS "name",
       f.prosrc                                                          AS "body",
       array_to_string(f.proconfig, ';')                                 AS "settings",
       f.prosecdef                                                       AS "definer",
       pg_has_role(f.proowner, 'USAGE')
       OR (SELECT rolsuper FROM pg_roles WHERE oid = f.proowner)         AS "trusted"
  FROM pg_proc f
 WHERE ${ours}
`;

/** Changes when one of our triggers does, in whichever way, or when a table begins to be written to by a subscription. */
export const triggersTextSql = `
SELECT /* pitcrew */
       concat_ws(' ',
         (SELECT sum(hash_record_extended(ROW(t.oid, t.xmin), 0))
            FROM pg_trigger t
            JOIN pg_proc f ON f.oid = t.tgfoid
           WHERE ${ours}),
         (SELECT sum(hash_record_extended(ROW(srsubid, srrelid), 0)) FROM pg_subscription_rel)
       ) AS "text"
`;

/** What the server is and allows. */
export const triggerRequirementsSql = `
SELECT /* pitcrew */
       pg_is_in_recovery()                                               AS "standby",
       current_user::text                                                AS "role",
       to_regnamespace('${functionSchema}') IS NOT NULL                  AS "schemaThere",
       CASE WHEN to_regnamespace('${functionSchema}') IS NULL
            THEN has_database_privilege(current_database(), 'CREATE')
            ELSE has_schema_privilege(to_regnamespace('${functionSchema}'), 'CREATE')
                 AND has_schema_privilege(to_regnamespace('${functionSchema}'), 'USAGE') END
                                                                         AS "mayCreate",
       has_function_privilege('public', 'pg_catalog.pg_notify(text, text)', 'EXECUTE')
                                                                         AS "mayNotify",
       current_setting('max_prepared_transactions')::int4                AS "prepared"
`;
