import type { ChangeSession } from '../../../../engine/postgres/index.ts';
import { readableIdentifier, readableName } from '../../../../sql/index.ts';
import { ask } from './look.ts';
import type { ObjectName, StatementShape } from './shape.ts';

interface Rights {
  /** Of the owner. */
  owns: boolean;
  /** REINDEX. */
  reindexes: boolean;
  /** VACUUM and ANALYZE. */
  vacuums: boolean;
  /** May make objects in its schema. */
  creates: boolean;
  /** May name objects in its schema. */
  names: boolean;
  owner: string;
  user: string;
  schema: string;
  /** Of an index: its table's name; of a table its own. */
  table: string;
  /** Whether there is the privilege MAINTAIN. */
  hasMaintain: boolean;
}

/**
 * Which rights are missing, as the server would ask for them: those of the owner for making, dropping and attaching indexes (and CREATE in the
 * schema for a new one), for REINDEX from PostgreSQL 17 on MAINTAIN as well, for VACUUM and ANALYZE the owner of the database too. What is
 * not there is not judged.
 */
export async function missingRights(session: ChangeSession, shapes: readonly StatementShape[]): Promise<string[]> {
  const wanted = new Map(
    shapes.flatMap(({ verb, index, table }) => {
      const object = table ?? index;
      return object === null ? [] : [[JSON.stringify([verb, object]), { verb, object }] as const];
    }),
  );
  const refusals = new Set<string>();
  for (const { verb, object } of wanted.values()) {
    const rights = await readRights(session, object);
    const missing = rights && missingFor(verb, object.name, rights);
    if (missing !== undefined) refusals.add(missing);
  }
  return [...refusals];
}

/** CASE keeps servers that do not know MAINTAIN from being asked for it. */
async function readRights(session: ChangeSession, { schema, name }: ObjectName): Promise<Rights | undefined> {
  const [row] = await ask<Rights>(
    session,
    `
    SELECT r.owns                                                      AS "owns",
           r.owns OR r.maintains                                       AS "reindexes",
           r.owns OR r.maintains
             OR (pg_has_role(d.datdba, 'USAGE') AND NOT t.relisshared) AS "vacuums",
           has_schema_privilege(c.relnamespace, 'CREATE')              AS "creates",
           has_schema_privilege(c.relnamespace, 'USAGE')               AS "names",
           pg_get_userbyid(c.relowner)                                 AS "owner",
           current_user                                                AS "user",
           n.nspname                                                   AS "schema",
           t.relname                                                   AS "table",
           r.knows                                                     AS "hasMaintain"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_database d  ON d.datname = current_database()
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
      JOIN pg_class t     ON t.oid = coalesce(i.indrelid, c.oid)
     CROSS JOIN LATERAL (
             SELECT pg_has_role(c.relowner, 'USAGE')                       AS owns,
                    current_setting('server_version_num')::int4 >= 170000  AS knows,
                    CASE WHEN current_setting('server_version_num')::int4 >= 170000
                         THEN has_table_privilege(t.oid, 'MAINTAIN')
                         ELSE false END                                    AS maintains) r
     WHERE c.relname = $1
       AND n.oid = to_regnamespace(quote_ident($2))
    `,
    [name, schema ?? 'public'],
  );
  return row;
}

function missingFor(verb: StatementShape['verb'], name: string, rights: Rights): string | undefined {
  const { owns, reindexes, vacuums, creates, names, owner, user, hasMaintain } = rights;
  const schema = readableIdentifier(rights.schema);
  const isUpkeep = verb === 'reindex' || verb === 'vacuum' || verb === 'analyze';
  const isAllowed = verb === 'reindex' ? reindexes : isUpkeep ? vacuums : owns;
  if (!isAllowed && isUpkeep && hasMaintain) {
    const table = readableName(rights.schema, rights.table);
    return `"${name}" belongs to ${owner}, and ${user} may not maintain it: GRANT MAINTAIN ON ${table} TO ${user}, or run the statements as ${owner}`;
  }
  if (!isAllowed) {
    return `"${name}" belongs to ${owner}, and ${user} is no member of that role: GRANT it, or run the statements as ${owner}`;
  }
  if (!names) return `${user} may use nothing in schema ${schema}: GRANT USAGE ON SCHEMA ${schema} TO ${user}`;
  if (verb === 'create-index' && !creates) {
    return `${user} may make nothing in schema ${schema}: GRANT CREATE ON SCHEMA ${schema} TO ${user}`;
  }
  return undefined;
}
