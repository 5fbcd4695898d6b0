import { type Source, userNamespace } from './source.ts';

export interface SourceConstraint {
  relation: number;
  name: string;
  /** `c` check, `p` primary key, `u` unique, `x` exclusion, `f` foreign key. */
  kind: 'c' | 'p' | 'u' | 'x' | 'f';
  definition: string;
  /** The table that a foreign key refers to. */
  references: number | null;
}

/** Constraints of tables; those that a foreign key of a partitioned table made for its partitions come with it. */
export function readConstraints(source: Source): Promise<SourceConstraint[]> {
  return source.readUnlocked<SourceConstraint>(`
    SELECT k.conrelid                  AS "relation",
           k.conname                   AS "name",
           k.contype                   AS "kind",
           pg_get_constraintdef(k.oid) AS "definition",
           nullif(k.confrelid, 0)      AS "references"
      FROM pg_constraint k
      JOIN pg_class c     ON c.oid = k.conrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE k.contype IN ('c', 'p', 'u', 'x', 'f')
       -- The planner does not trust a check that was never validated.
       AND (k.contype <> 'c' OR k.convalidated)
       AND NOT (k.contype = 'f' AND k.conparentid <> 0)
       AND k.conrelid <> ALL ($1::oid[])
       AND c.relpersistence <> 't'
       AND ${userNamespace}
     ORDER BY k.conrelid, k.contype, k.oid
  `);
}
