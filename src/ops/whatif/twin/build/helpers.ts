import type pg from 'pg';

/** Schema of the functions that the twin's owner may call to do what otherwise only a superuser may. */
export const helpers = 'pitcrew_twin';

/**
 * Functions for what only a superuser may do to catalogs, so that the session that plans need not be one. They do nothing
 * but that, to relations whose oids we give.
 */
export async function makeHelpers(admin: pg.Client): Promise<void> {
  await admin.query(`
    CREATE SCHEMA ${helpers};
    GRANT USAGE ON SCHEMA ${helpers} TO PUBLIC;

    -- Shows and hides indexes. A hidden one is not "live", so that the planner does not even open it; the table is told, because it
    -- keeps a list of its indexes.
    CREATE FUNCTION ${helpers}.toggle(shown oid[], hidden oid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      UPDATE pg_catalog.pg_index
         SET indislive  = indexrelid = ANY (shown),
             indisvalid = indexrelid = ANY (shown)
       WHERE indexrelid = ANY (shown || hidden);
      UPDATE pg_catalog.pg_class
         SET relhasindex = true
       WHERE oid IN (SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = ANY (shown || hidden));
    END;

    -- Forgets how many different values columns have.
    CREATE FUNCTION ${helpers}.forget(tables oid[], columns int2[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      UPDATE pg_catalog.pg_statistic s
         SET stadistinct = 0
        FROM unnest(tables, columns) AS f (relation, number)
       WHERE s.starelid = f.relation
         AND s.staattnum = f.number;
    END;

    -- An empty file that tables are pointed at while an index on them is built, which would otherwise read their long, empty ones.
    CREATE TABLE ${helpers}.empty ();

    CREATE FUNCTION ${helpers}.files(tables oid[]) RETURNS TABLE (relation oid, file oid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      SELECT c.oid, c.relfilenode FROM pg_catalog.pg_class c WHERE c.oid = ANY (tables);
    END;

    CREATE FUNCTION ${helpers}.divert(tables oid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      UPDATE pg_catalog.pg_class
         SET relfilenode = (SELECT e.relfilenode FROM pg_catalog.pg_class e WHERE e.oid = '${helpers}.empty'::regclass)
       WHERE oid = ANY (tables);
    END;

    CREATE FUNCTION ${helpers}.restore(tables oid[], files oid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      UPDATE pg_catalog.pg_class c
         SET relfilenode = f.file
        FROM unnest(tables, files) AS f (relation, file)
       WHERE c.oid = f.relation;
    END;

    -- What a session holds of a file in memory goes, so that the file can be changed beneath. The functions of pg_buffercache.
    CREATE FUNCTION ${helpers}.evict_relation(regclass, OUT evicted int4, OUT flushed int4, OUT skipped int4)
    LANGUAGE c AS '$libdir/pg_buffercache', 'pg_buffercache_evict_relation';
    CREATE FUNCTION ${helpers}.evict_all(OUT evicted int4, OUT flushed int4, OUT skipped int4)
    LANGUAGE c AS '$libdir/pg_buffercache', 'pg_buffercache_evict_all';

    CREATE FUNCTION ${helpers}.evict(relations oid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      SELECT ${helpers}.evict_relation(r.relation::regclass) FROM unnest(relations) AS r (relation);
    END;

    -- The list of most common combinations of a temporary table of the caller's.
    CREATE FUNCTION ${helpers}.extended_data(scratch oid) RETURNS SETOF pg_mcv_list
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      SELECT d.stxdmcv
        FROM pg_catalog.pg_statistic_ext s
        JOIN pg_catalog.pg_statistic_ext_data d ON d.stxoid = s.oid
       WHERE s.stxrelid = scratch;
    END;

    CREATE FUNCTION ${helpers}.measure(indexes oid[], pages int4[], rows float4[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
      UPDATE pg_catalog.pg_class c
         SET relpages  = m.pages,
             reltuples = m.rows
        FROM unnest(indexes, pages, rows) AS m (index, pages, rows)
       WHERE c.oid = m.index;
    END;
  `);
}
