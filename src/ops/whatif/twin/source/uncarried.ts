import { notOfExtension, type Source, userNamespace } from './source.ts';

export interface Uncarried {
  subject: string;
  reason: string;
}

/** What of the schema a twin never has: named, so that a plan that depends on it is not trusted more than it deserves. */
export function readUncarried(source: Source): Promise<Uncarried[]> {
  return source.read<Uncarried>(`
    SELECT format('foreign table %s.%s', n.nspname, c.relname)   AS "subject",
           'its costs come from the other server'                AS "reason"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'f'
       AND ${userNamespace}
    UNION ALL
    SELECT format('row security of %s.%s', n.nspname, c.relname),
           'the twin plans without its policies, as for a role that they do not bind'
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relrowsecurity
       AND ${userNamespace}
    UNION ALL
    SELECT format('rule %s on %s.%s', r.rulename, n.nspname, c.relname),
           'rules are not carried over'
      FROM pg_rewrite r
      JOIN pg_class c     ON c.oid = r.ev_class
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE r.rulename <> '_RETURN'
       AND ${userNamespace}
       AND ${notOfExtension('pg_class', 'c.oid')}
    UNION ALL
    SELECT format('operator %s.%s', n.nspname, o.oprname),
           'operators of users are not carried over'
      FROM pg_operator o
      JOIN pg_namespace n ON n.oid = o.oprnamespace
     WHERE ${userNamespace}
       AND ${notOfExtension('pg_operator', 'o.oid')}
    UNION ALL
    SELECT format('operator class %s.%s', n.nspname, o.opcname),
           'operator classes of users are not carried over'
      FROM pg_opclass o
      JOIN pg_namespace n ON n.oid = o.opcnamespace
     WHERE ${userNamespace}
       AND ${notOfExtension('pg_opclass', 'o.oid')}
    UNION ALL
    SELECT format('text search configuration %s.%s', n.nspname, t.cfgname),
           'text search configurations of users are not carried over'
      FROM pg_ts_config t
      JOIN pg_namespace n ON n.oid = t.cfgnamespace
     WHERE ${userNamespace}
       AND ${notOfExtension('pg_ts_config', 't.oid')}
    UNION ALL
    SELECT format('type %s.%s', n.nspname, t.typname),
           'a base type needs code in C'
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype = 'b'
       AND t.typcategory <> 'A'
       AND ${userNamespace}
       AND ${notOfExtension('pg_type', 't.oid')}
  `);
}

/** Aggregates and casts of users, as statements that make them. */
export function readAggregates(source: Source): Promise<{ subject: string; sql: string }[]> {
  return source.read<{ subject: string; sql: string }>(`
    SELECT format('aggregate %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS "subject",
           format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s%s%s%s%s%s)',
                  n.nspname, p.proname, pg_get_function_arguments(p.oid),
                  a.aggtransfn, format_type(a.aggtranstype, NULL),
                  CASE WHEN a.aggtransspace > 0 THEN format(', SSPACE = %s', a.aggtransspace) END,
                  CASE WHEN a.aggfinalfn <> 0 THEN format(', FINALFUNC = %s', a.aggfinalfn) END,
                  CASE WHEN a.aggcombinefn <> 0 THEN format(', COMBINEFUNC = %s', a.aggcombinefn) END,
                  ', INITCOND = ' || quote_literal(a.agginitval),
                  CASE p.proparallel WHEN 's' THEN ', PARALLEL = SAFE' WHEN 'r' THEN ', PARALLEL = RESTRICTED' END) AS "sql"
      FROM pg_aggregate a
      JOIN pg_proc p      ON p.oid = a.aggfnoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE a.aggkind = 'n'
       AND ${userNamespace}
       AND ${notOfExtension('pg_proc', 'p.oid')}
    UNION ALL
    SELECT format('cast from %s to %s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL)),
           format('CREATE CAST (%s AS %s) %s%s', format_type(k.castsource, NULL), format_type(k.casttarget, NULL),
                  CASE k.castmethod
                    WHEN 'i' THEN 'WITH INOUT'
                    ELSE format('WITH FUNCTION %s', k.castfunc::regprocedure) END,
                  CASE k.castcontext WHEN 'i' THEN ' AS IMPLICIT' WHEN 'a' THEN ' AS ASSIGNMENT' END)
      FROM pg_cast k
     WHERE k.oid >= 16384
       AND k.castmethod IN ('i', 'f')
       -- A range type brings its own.
       AND NOT EXISTS (SELECT FROM pg_range r WHERE r.rngtypid = k.castsource AND r.rngmultitypid = k.casttarget)
       AND ${notOfExtension('pg_cast', 'k.oid')}
  `);
}
