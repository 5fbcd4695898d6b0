/** Whether UPDATE and DELETE can go on when a table is published: its rows can be told apart. `c`: the table. */
export const identity = `
  LEFT JOIN LATERAL (
         SELECT array_agg(a.attname::text ORDER BY a.attnum) AS columns
           FROM pg_index i
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
          WHERE i.indrelid = c.oid
            AND i.indisvalid
            AND i.indimmediate
            AND CASE c.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END
       ) AS key ON c.relreplident <> 'n'`;

const identified = `(c.relreplident = 'f' OR key.columns IS NOT NULL)`;

/** The tables that a publication ($1) has, each of them a table with rows of its own. */
export const publishedSql = `
SELECT /* pitcrew */
       c.oid::int8::text          AS "oid",
       n.nspname                  AS "schema",
       c.relname                  AS "name",
       to_json(key.columns)::text AS "keyColumns",
       ${identified}              AS "identified",
       t.qual IS NOT NULL         AS "filtered"
  FROM pg_publication p
 CROSS JOIN LATERAL pg_get_publication_tables(p.pubname::text) AS t
  JOIN pg_class c ON c.oid = t.relid
  JOIN pg_namespace n ON n.oid = c.relnamespace${identity}
 WHERE p.pubname = $1
`;

/**
 * All tables of the application, with whether this role may publish them: it owns them, and UPDATE would not fail by it. Partitions
 * go with the table they are of, which needs a key of its own, so that later partitions have one.
 */
export const candidatesSql = `
SELECT /* pitcrew */
       format('%I.%I', n.nspname, c.relname)                             AS "name",
       c.relkind = 'p'                                                   AS "partitioned",
       pg_has_role(c.relowner, 'USAGE')                                  AS "owned",
       ${identified}
       AND NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) AS part
                         JOIN pg_class leaf ON leaf.oid = part.relid
                        WHERE c.relkind = 'p'
                          AND part.isleaf
                          AND leaf.relkind = 'r'
                          AND leaf.relreplident <> 'f'
                          AND NOT EXISTS (SELECT FROM pg_index i
                                           WHERE i.indrelid = leaf.oid
                                             AND i.indisvalid
                                             AND i.indimmediate
                                             AND CASE leaf.relreplident WHEN 'i' THEN i.indisreplident
                                                                        WHEN 'd' THEN i.indisprimary END))
                                                                         AS "identified",
       EXISTS (SELECT FROM pg_publication_rel r
                 JOIN pg_publication p ON p.oid = r.prpubid
                WHERE r.prrelid = c.oid AND p.pubname = $1)              AS "published"
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace${identity}
 WHERE c.oid >= 16384
   AND c.relkind IN ('r', 'p')
   AND c.relpersistence = 'p'
   AND NOT c.relispartition
   AND n.nspname <> 'information_schema'
   AND n.nspname !~ '^pg_'
 ORDER BY c.oid
`;

/** What the server is and allows. $1: the publication, $2: a permanent slot or null. */
export const requirementsSql = `
SELECT /* pitcrew */
       current_setting('wal_level')                                          AS "walLevel",
       pg_is_in_recovery()                                                   AS "standby",
       current_setting('server_version_num')::int4                           AS "version",
       current_user                                                          AS "role",
       r.rolsuper                                                            AS "superuser",
       r.rolsuper OR r.rolreplication
       OR EXISTS (SELECT FROM pg_roles g
                   WHERE g.rolname = 'rds_replication' AND pg_has_role(g.oid, 'MEMBER'))
                                                                             AS "mayReplicate",
       has_database_privilege(current_database(), 'CREATE')                  AS "mayCreate",
       current_setting('max_replication_slots')::int4                        AS "slots",
       (SELECT count(*)::int4 FROM pg_replication_slots)                     AS "slotsUsed",
       current_setting('max_wal_senders')::int4                              AS "senders",
       (SELECT count(*)::int4 FROM pg_stat_replication)                      AS "sendersUsed",
       (SELECT setting::int8 >= 0 FROM pg_settings WHERE name = 'max_slot_wal_keep_size')
                                                                             AS "slotsBounded",
       current_setting('synchronous_standby_names') ~ '\\*'                   AS "anyStandby",
       p.oid IS NOT NULL                                                     AS "published",
       p.puballtables                                                        AS "allTables",
       p.pubviaroot                                                          AS "viaRoot",
       p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate         AS "allKinds",
       s.slot_name IS NOT NULL                                               AS "slotThere",
       s.active                                                              AS "slotActive",
       s.plugin = 'pgoutput' AND s.database = current_database()             AS "slotFits",
       s.wal_status = 'lost'                                                 AS "slotLost"
  FROM pg_roles r
  LEFT JOIN pg_publication p ON p.pubname = $1
  LEFT JOIN pg_replication_slots s ON s.slot_name = $2
 WHERE r.rolname = current_user
`;
