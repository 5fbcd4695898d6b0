import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import { bytes } from '../../../../words/index.ts';
import type { Check, Finding, Remedy } from '../../../types.ts';
import { judgedWholly, unknown } from '../../answers.ts';
import { once } from '../../readings.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { columnsOf, type IndexDetails, readIndexDetails } from './catalog.ts';
import { dropIndex, type IndexDefinition, readDefinitions } from './definitions.ts';
import { isNeeded } from './keys.ts';

/** What REINDEX CONCURRENTLY calls the new and the old index while it works. */
const leftover = /_cc(new|old)\d*$/;

export const invalidIndex: Check = {
  id: 'invalid-index',
  title: 'Invalid indexes',
  documentation: `
    Speaks up when an index is not valid or not ready: CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY failed or was
    cancelled. No query uses it, but writes keep it up to date and a unique one still refuses rows. What REINDEX CONCURRENTLY left
    behind (\`…_ccnew\`, \`…_ccold\`) is dropped, another one is built anew. Indexes of tables on which an index is being built now
    are left alone. The index of a partitioned table is invalid until every partition has its part.

    Warning. Not known when something is being built that this role may not see, or on a standby, which does not know what its primary
    builds.

    Source: \`pg_index\`: \`indisvalid\`, \`indisready\`; \`pg_stat_progress_create_index\`.
  `,
  async run(context) {
    const { connection, profile } = context;
    const invalid = (await once(context, readIndexDetails)).filter(({ valid, ready }) => !valid || !ready);
    const fine = { findings: [], fine: 'Every index is valid' };
    if (invalid.length === 0) return judgedWholly(fine);
    if (profile.isStandby) {
      return unknown(
        `${spoken(invalid[0] ?? { schema: '', name: '' })} is not valid; whether the primary is building it is not known here`,
        'ask the primary',
      );
    }
    const { tables, hidden } = await readBuilding(connection);
    const abandoned = invalid.filter(({ tableOid }) => !tables.has(tableOid));
    if (hidden && abandoned.length > 0) {
      return unknown(
        `An index is being built, but which one is hidden from this role; ${abandoned.length} are not valid`,
        `GRANT pg_read_all_stats TO ${profile.user}`,
      );
    }
    const definitions = await readDefinitions(
      connection,
      abandoned.map(({ oid }) => oid),
    );
    return judgedWholly({ ...fine, findings: abandoned.map((index) => describe(index, definitions.get(index.oid))) });
  },
};

/** Tables on which an index is being built now; `hidden` when the role may not see all of them. */
async function readBuilding(connection: DatabaseConnection): Promise<{ tables: Set<number>; hidden: boolean }> {
  const rows = await connection.run<{ table: number | null; here: boolean }>(
    `
    SELECT nullif(relid, 0)               AS "table",
           datname = current_database()   AS "here"
      FROM pg_stat_progress_create_index
    `,
  );
  const here = rows.filter((row) => row.here);
  return {
    tables: new Set(here.flatMap(({ table }) => table ?? [])),
    hidden: here.some(({ table }) => table === null),
  };
}

function describe(index: IndexDetails, definition: IndexDefinition | undefined): Finding {
  const table = spoken({ schema: index.schema, name: index.table });
  const remains = leftover.test(index.name);
  return {
    check: invalidIndex.id,
    key: keyOf(invalidIndex.id, index),
    severity: 'warning',
    subject: { kind: 'index', schema: index.schema, table: index.table, name: index.name },
    title: `The index ${spoken(index)} ${columnsOf(index)} on ${table} is not valid`,
    explanation: index.partitioned
      ? 'Not every partition has its part of it. Until then queries on the partitioned table do not rest on it as a whole.'
      : `No query uses it${index.ready ? ', but every write keeps it up to date' : ''}. ` +
        (remains ? 'REINDEX CONCURRENTLY left it behind.' : 'Building it failed or was cancelled.'),
    evidence: [
      { label: 'Ready', value: index.ready },
      { label: 'Unique', value: index.unique },
      { label: 'Size', value: index.bytes, unit: 'bytes' },
    ],
    gain: remains ? { bytes: index.bytes } : { text: 'Queries can use the index' },
    remedy: index.partitioned ? partsMissing(index) : remains ? drop(index, definition) : rebuild(index),
  };
}

function drop(index: IndexDetails, definition: IndexDefinition | undefined): Remedy | null {
  if (isNeeded(index)) return rebuild(index);
  const remedy = dropIndex(index, definition, { risk: 'low', riskDetail: 'No query uses it.' });
  return remedy && { ...remedy, undo: [] };
}

function rebuild(index: IndexDetails): Remedy {
  return {
    kind: 'reindex',
    fix: [`REINDEX INDEX CONCURRENTLY ${quoted(index)}`],
    undo: [],
    risk: 'low',
    riskDetail:
      `Reads the table twice and takes about ${bytes(index.bytes)} or more. ` +
      (index.unique ? 'It fails where values are there more than once: they have to be put in order first. ' : '') +
      'If the index is not wanted any more, drop it instead.',
    appliable: true,
    needsBytes: Math.max(index.bytes, Math.ceil((index.tableRows ?? 0) * 24)),
  };
}

function partsMissing(index: IndexDetails): Remedy {
  return {
    kind: 'manual',
    fix: [],
    undo: [],
    risk: 'medium',
    riskDetail: `Build the index on each partition that lacks it, concurrently, and attach it with ALTER INDEX ${quoted(index)} ATTACH PARTITION.`,
    appliable: false,
  };
}
