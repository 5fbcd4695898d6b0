import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import type { Remedy } from '../../../types.ts';
import { quoted } from '../names.ts';
import type { IndexDetails } from './catalog.ts';

/** How an index is made anew. */
export interface IndexDefinition {
  oid: number;
  /** As pg_get_indexdef() gives it, with every name qualified. */
  definition: string;
  /** The predicate as it ends the definition. */
  predicate: string | null;
  /** Where it is not the database's own. */
  tablespace: string | null;
  comment: string | null;
  clustered: boolean;
  /** That of the constraint that it belongs to, as pg_get_constraintdef() gives it. */
  constraint: string | null;
}

/**
 * Definitions of indexes, by oid. PostgreSQL locks a table weakly to write them down: those of tables that someone holds
 * exclusively now are left out, so that nothing waits.
 */
export async function readDefinitions(
  connection: DatabaseConnection,
  oids: readonly number[],
): Promise<ReadonlyMap<number, IndexDefinition>> {
  if (oids.length === 0) return new Map();
  const rows = await connection.run<IndexDefinition>(
    `
    WITH held AS MATERIALIZED (
      SELECT relation FROM pg_lock_status()
       WHERE relation IS NOT NULL AND mode = 'AccessExclusiveLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    )
    SELECT i.indexrelid                                AS "oid",
           pg_get_indexdef(i.indexrelid)               AS "definition",
           pg_get_expr(i.indpred, i.indrelid)          AS "predicate",
           s.spcname                                   AS "tablespace",
           obj_description(i.indexrelid, 'pg_class')   AS "comment",
           i.indisclustered                            AS "clustered",
           (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
             WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype = 'u') AS "constraint"
      FROM pg_index i
      JOIN pg_class c           ON c.oid = i.indexrelid
      LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace AND c.reltablespace <> 0
     WHERE i.indexrelid = ANY ($1::oid[])
       AND i.indrelid NOT IN (SELECT relation FROM held)
       AND i.indexrelid NOT IN (SELECT relation FROM held)
    `,
    [`{${oids.join(',')}}`],
  );
  return new Map(rows.map((row) => [row.oid, row]));
}

/** Statements that make the index anew, without blocking writes where PostgreSQL can do that. */
function creation(
  index: IndexDetails,
  { definition, predicate, tablespace, comment, clustered }: IndexDefinition,
): string[] {
  const condition = predicate === null ? '' : ` WHERE ${predicate}`;
  const place = tablespace === null ? '' : ` TABLESPACE ${quoteIdentifier(tablespace)}`;
  const head = definition.slice(0, definition.length - condition.length);
  const whole = `${head}${place}${condition}`;
  // What stands in the definition of a partitioned table's index is its own, empty part.
  const create = index.partitioned
    ? whole.replace(/ ON ONLY /, ' ON ')
    : whole.replace(/^(CREATE (?:UNIQUE )?INDEX) /, '$1 CONCURRENTLY ');
  const name = quoted(index);
  return [
    create,
    ...(comment === null ? [] : [`COMMENT ON INDEX ${name} IS '${comment.replaceAll("'", "''")}'`]),
    ...(clustered
      ? [`ALTER TABLE ${quoted({ schema: index.schema, name: index.table })} CLUSTER ON ${quoteIdentifier(index.name)}`]
      : []),
  ];
}

/**
 * Drops an index that no constraint needs, and makes it anew as undo. `null` when its definition is not known now. That of a
 * partitioned table can only be dropped under a lock that stops reads as well, so a person must choose when.
 */
export function dropIndex(
  index: IndexDetails,
  definition: IndexDefinition | undefined,
  risk: Pick<Remedy, 'risk' | 'riskDetail'>,
): Remedy | null {
  if (!definition) return null;
  const lock = index.partitioned
    ? ' Dropping the index of a partitioned table locks it and its partitions against everything for a moment.'
    : ' Dropping it waits for running statements on the table, without blocking others.';
  return {
    kind: 'drop-index',
    fix: [`DROP INDEX ${index.partitioned ? '' : 'CONCURRENTLY '}${quoted(index)}`],
    undo: creation(index, definition),
    risk: index.partitioned && risk.risk === 'low' ? 'medium' : risk.risk,
    riskDetail: `${risk.riskDetail}${lock}`,
    appliable: !index.partitioned,
  };
}

/** Drops a unique constraint with its index. A person decides: what is made anew as undo reads the table under a lock. */
export function dropConstraint(
  index: IndexDetails,
  constraint: string,
  definition: IndexDefinition | undefined,
  riskDetail: string,
): Remedy | null {
  if (!definition?.constraint) return null;
  const table = quoted({ schema: index.schema, name: index.table });
  const name = quoteIdentifier(constraint);
  return {
    kind: 'schema',
    fix: [`ALTER TABLE ${table} DROP CONSTRAINT ${name}`],
    undo: [`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition.constraint}`],
    risk: 'medium',
    riskDetail: `${riskDetail} Locks the table against everything for a moment; making it anew stops writes for longer.`,
    appliable: false,
  };
}
