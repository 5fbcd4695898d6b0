// Writes src/sql/describe/known-functions.ts from the catalog of the newest PostgreSQL that Pitcrew brings along.
// `node scripts/known-functions.ts`
import { writeFileSync } from 'node:fs';
import pg from 'pg';
import { startScratchServer } from '../src/ops/embedded/index.ts';

/** Volatile by their declaration, and still they change nothing and work on a replica. */
const harmlessVolatile = `array_sample array_shuffle clock_timestamp current_query gen_random_uuid pg_blocking_pids
  pg_database_size pg_indexes_size pg_is_in_recovery pg_jit_available pg_last_wal_receive_lsn pg_last_wal_replay_lsn
  pg_last_xact_replay_timestamp pg_partition_ancestors pg_partition_tree pg_relation_size pg_sleep pg_sleep_for
  pg_sleep_until pg_table_size pg_tablespace_size pg_total_relation_size random random_normal timeofday uuidv4 uuidv7`
  .split(/\s+/)
  .toSorted();

/** Not volatile by their declaration, and still they assign a transaction id or refuse to run on a replica. */
const notHarmless = new Set(['pg_current_xact_id', 'txid_current', 'pg_walfile_name', 'pg_walfile_name_offset']);

/** Parts of aggregates, types, triggers and statistics views, which no application calls: leaving them out is shorter. */
const internal =
  /^(?:brin_|fmgr_|pg_event_trigger_|pg_stat_get_)|(?:send|typmodin|_transfn|_accum|_accum_inv|_combine|_larger|larger|_smaller|smaller|_subdiff|_canonical|_statefunc|_validator)$/;

const functionNames = `/* pitcrew */
SELECT p.proname AS name
FROM pg_catalog.pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
GROUP BY p.proname
HAVING bool_and(p.provolatile <> 'v')
   -- What stands behind an operator is called by the operator.
   AND NOT coalesce(bool_or(obj_description(p.oid, 'pg_proc') LIKE 'implementation of %'), false)
   AND NOT bool_or(EXISTS (SELECT FROM pg_catalog.pg_amproc a WHERE a.amproc = p.oid))
   -- Types that no expression has.
   AND NOT bool_and('{internal,cstring}'::regtype[] && string_to_array(p.proargtypes::text, ' ')::oid[]::regtype[]
                 OR p.prorettype = ANY ('{internal,cstring,trigger,event_trigger}'::regtype[])
                 OR p.prorettype::regtype::text LIKE '%\\_handler')
ORDER BY p.proname COLLATE "C"`;

const operatorNames = `/* pitcrew */
SELECT o.oprname AS name
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE o.oprnamespace = 'pg_catalog'::regnamespace
GROUP BY o.oprname
HAVING bool_and(p.provolatile <> 'v')
ORDER BY o.oprname COLLATE "C"`;

/** Words as lines of a template string. */
function paragraph(words: readonly string[]): string {
  const lines: string[] = [];
  let line = ' ';
  for (const word of words) {
    if (line.length + word.length > 118) {
      lines.push(line);
      line = ' ';
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

await using server = await startScratchServer();
const client = new pg.Client(server.url());
await client.connect();
const names = async (text: string): Promise<string[]> =>
  (await client.query<{ name: string }>(text)).rows.map((row) => row.name);
const functions = (await names(functionNames)).filter((name) => !notHarmless.has(name) && !internal.test(name));
const operators = await names(operatorNames);
await client.end();

writeFileSync(
  new URL('../src/sql/describe/known-functions.ts', import.meta.url),
  `// Made by scripts/known-functions.ts from the catalog of PostgreSQL. Do not edit.

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\\s+/));
}

/** Functions of pg_catalog declared immutable or stable, all overloads of a name. */
export const steadyFunctions = words(\`
${paragraph(functions)}\`);

/** Functions of pg_catalog declared volatile that change nothing and work on a replica. */
export const harmlessVolatileFunctions = words(\`
${paragraph(harmlessVolatile)}\`);

/** Operators of pg_catalog; none is volatile. */
export const builtinOperators = words(String.raw\`
${paragraph(operators).replaceAll('`', '\\`')}\`);
`,
);
