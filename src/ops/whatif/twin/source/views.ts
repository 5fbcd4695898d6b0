import type { Source } from './source.ts';

export interface SourceView {
  oid: number;
  /** The query, schema-qualified. */
  query: string;
}

/** What views are; those on a table that is locked exclusively are left out. */
export function readViews(source: Source, views: readonly number[]): Promise<SourceView[]> {
  return source.readEach<SourceView>(
    `
    SELECT c.oid                    AS "oid",
           pg_get_viewdef(c.oid)    AS "query"
      FROM pg_class c
     WHERE c.oid = ANY ($2::oid[])
       -- Written out, the relations of a view are locked.
       AND NOT EXISTS (SELECT FROM pg_rewrite r
                         JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                        WHERE r.ev_class = c.oid
                          AND d.refclassid = 'pg_class'::regclass
                          AND d.refobjid = ANY ($1::oid[]))
    `,
    views,
  );
}
