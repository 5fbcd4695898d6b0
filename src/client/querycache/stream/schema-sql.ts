/**
 * One text that changes when a definition does on which the meaning of a statement may depend, or what it changes: relations,
 * columns, views, rules, functions, triggers, policies, types, schemas, unique and foreign keys, checks, inheritance, roles, their
 * settings, and what is published. Rows are compared by their `xmin`, where they change for no other reason. Left out is what goes on all the time: temporary tables, indexes, statistics, and
 * that VACUUM, CLUSTER and TRUNCATE give tables other files. Reads those catalogs in full, except for what came with the server.
 *
 * The snapshot is that of the statement: what it does not see, the text does not reflect.
 */
export const schemaSql = `
SELECT /* pitcrew */
       pg_current_snapshot()::text AS "snapshot",
       concat_ws(' ',
         (SELECT sum(hash_record_extended(ROW(oid, relname, relnamespace, relkind, relowner, relacl, relrowsecurity,
                                              relforcerowsecurity, relispartition, relreplident, relpersistence, reloptions), 0))
            FROM pg_class
           WHERE oid >= 16384 AND relpersistence <> 't' AND relkind NOT IN ('i', 'I', 't')),
         (SELECT sum(hash_record_extended(ROW(a.attrelid, a.attnum, a.xmin), 0))
            FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid
           WHERE a.attrelid >= 16384 AND a.attnum > 0 AND c.relpersistence <> 't' AND c.relkind NOT IN ('i', 'I', 't')),
         (SELECT sum(hash_record_extended(ROW(r.oid, r.xmin), 0))
            FROM pg_rewrite r
            JOIN pg_class c ON c.oid = r.ev_class
           WHERE r.oid >= 16384 AND c.relpersistence <> 't'),
         (SELECT sum(hash_record_extended(ROW(i.indrelid, i.indkey::int2[], i.indisprimary, i.indisreplident, i.indimmediate), 0))
            FROM pg_index i
            JOIN pg_class c ON c.oid = i.indrelid
           WHERE i.indrelid >= 16384 AND i.indisunique AND i.indisvalid AND c.relpersistence <> 't'),
         (SELECT sum(hash_record_extended(ROW(k.oid, k.xmin), 0))
            FROM pg_constraint k
            LEFT JOIN pg_class c ON c.oid = k.conrelid
           WHERE k.contype IN ('c', 'f') AND k.oid >= 16384 AND c.relpersistence IS DISTINCT FROM 't'),
         (SELECT sum(hash_record_extended(ROW(t.oid, t.xmin), 0))
            FROM pg_trigger t
            JOIN pg_class c ON c.oid = t.tgrelid
           WHERE NOT (t.tgisinternal AND t.tgconstraint <> 0) AND c.relpersistence <> 't'),
         (SELECT sum(hash_record_extended(ROW(i.inhrelid, i.inhparent, i.xmin), 0))
            FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid
           WHERE c.relpersistence <> 't'),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_proc WHERE oid >= 16384),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_event_trigger),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_policy),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_type
           WHERE oid >= 16384 AND typtype <> 'c' AND typcategory <> 'A'),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_enum),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_operator WHERE oid >= 16384),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_cast WHERE oid >= 16384),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_namespace
           WHERE nspname !~ '^pg_(toast_)?temp_'),
         (SELECT sum(hash_record_extended(ROW(oid, rolname, rolsuper, rolinherit, rolbypassrls), 0)) FROM pg_roles),
         (SELECT sum(hash_record_extended(ROW(roleid, member, xmin), 0)) FROM pg_auth_members),
         (SELECT sum(hash_record_extended(ROW(setdatabase, setrole, xmin), 0)) FROM pg_db_role_setting),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_publication),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_publication_rel),
         (SELECT sum(hash_record_extended(ROW(oid, xmin), 0)) FROM pg_publication_namespace)
       ) AS "definitions"
`;
