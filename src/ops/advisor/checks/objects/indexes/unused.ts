import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import { bytes, counted, listed } from '../../../../words/index.ts';
import type { Check, CheckContext, Finding, Untold } from '../../../types.ts';
import { judged, judgedWholly, mostFindings, unknown } from '../../answers.ts';
import { once } from '../../readings.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { inTurns } from '../../turns.ts';
import { keyOf, spoken } from '../names.ts';
import { readCountedSince } from '../use-since.ts';
import { columnsOf, type IndexDetails, readIndexDetails } from './catalog.ts';
import { dropIndex, type IndexDefinition, readDefinitions } from './definitions.ts';
import { type ForeignKey, readForeignKeys, serves } from './foreign-keys.ts';
import { isNeeded } from './keys.ts';

const dayMs = 86_400_000;
/** Smaller indexes are mentioned, not warned of. */
const smallBytes = 1024 ** 2;

/** An index with those of the partitions that belong to it: they are used, and dropped, as one. */
interface Family {
  root: IndexDetails;
  members: readonly IndexDetails[];
  bytes: number;
}

/** Since when uses are known, on all servers, and until when. */
interface Span {
  since: Date;
  now: Date;
  /** Since when the primary itself has counted, in ms: all that is known of an index that the history does not name. */
  countedSince: number;
}

export const unusedIndex: Check = {
  id: 'unused-index',
  title: 'Unused indexes',
  documentation: `
    Speaks up when an index was not scanned once in all the time that is known, on the primary and on every replica. On the
    primary that time begins with the statistics of the database or with Pitcrew's history, whichever is older; on a replica with
    its own statistics. The shortest of them counts, and it must be 7 days or more.

    Never spoken of: indexes of primary keys, unique and exclusion constraints, other unique indexes, those that foreign keys of
    other tables rest on, and the replica identity. An index of a partitioned table is judged together with those of its
    partitions. Where an index is the only one that serves a foreign key, or has statistics of an expression that
    the planner uses even if it never scans the index, that is said.

    Not known when a replica exists that could not be asked, when statistics are too young, or on a standby. PostgreSQL does not
    record when an index was made: a new one may look unused, unless \`track_commit_timestamp\` is on or the history saw it
    come. Warning from 1 MB, else info; the fix drops the index concurrently, the undo makes it anew.

    Source: \`pg_stat_user_indexes\`: \`idx_scan\`; \`pg_stat_database\`: \`stats_reset\`.
  `,
  async run(context) {
    const { connection, profile, replicas } = context;
    if (profile.isStandby) return unknown('A standby does not know how its primary uses indexes', 'ask the primary');
    const silent = [{ name: 'the primary', profile }, ...replicas].find((server) => !server.profile.trackCounts);
    if (silent) {
      return unknown(`Uses of indexes are not counted on ${silent.name}: track_counts is off`, 'set track_counts = on');
    }
    const indexes = await once(context, readIndexDetails);
    const unused = await familiesNotUsed(context, indexes);
    const whole = {
      findings: [],
      fine: `Every index that can be dropped is in use (${counted(indexes.length, 'index', 'indexes')})`,
    };
    if (unused.length === 0) return judged(whole);
    const { span, why } = await knownSpan(context, unused.length);
    if (why) return unknown(why.reason, why.fix);
    const young = await youngerThan(context, unused, span);
    const old = unused.filter(({ root }) => !young.has(root.oid)).toSorted((a, b) => b.bytes - a.bytes);
    const described = old.slice(0, mostFindings);
    const definitions = await readDefinitions(
      connection,
      described.map(({ root }) => root.oid),
    );
    const sole = await readSole(context, indexes, described);
    const untold: Untold[] =
      young.size === 0
        ? []
        : [
            {
              reason: `${counted(young.size, 'index is', 'indexes are')} known for too short a time to be judged`,
              fix: null,
            },
          ];
    return judgedWholly({
      ...whole,
      undescribed: old.length - described.length,
      findings: described.map((family) =>
        describe(family, span, sole.get(family.root.oid), definitions.get(family.root.oid), context),
      ),
      untold,
    });
  },
};

async function familiesNotUsed(context: CheckContext, indexes: readonly IndexDetails[]): Promise<Family[]> {
  const used = new Set(indexes.filter(({ scans }) => scans > 0).map(({ oid }) => oid));
  for (const { connection } of context.replicas) for (const oid of await readUsed(connection)) used.add(oid);
  const names = new Set(context.indexHistory?.uses.filter(({ scans }) => scans > 0).map((use) => nameOf(use)));
  const isUsed = (index: IndexDetails): boolean => used.has(index.oid) || names.has(nameOf(index));
  const childrenOf = Map.groupBy(indexes, ({ parentOid }) => parentOid);
  const withChildren = (index: IndexDetails): IndexDetails[] => [
    index,
    ...(childrenOf.get(index.oid) ?? []).flatMap((child) => withChildren(child)),
  ];
  return inTurns(indexes, (root): Family[] => {
    if (root.parentOid !== null || !root.valid || !root.ready || root.unique) return [];
    const members = withChildren(root);
    if (members.some((member) => isUsed(member) || isNeeded(member))) return [];
    return [{ root, members, bytes: members.reduce((sum, member) => sum + member.bytes, 0) }];
  });
}

function nameOf({ schema, name }: { schema: string; name: string }): string {
  return `${schema}.${name}`;
}

/** Indexes that were used on a replica, by oid: it has the primary's. */
async function readUsed(connection: DatabaseConnection): Promise<number[]> {
  const rows = await connection.run<{ oid: number }>(
    `SELECT indexrelid AS "oid" FROM pg_index WHERE pg_stat_get_numscans(indexrelid) > 0`,
  );
  return rows.map(({ oid }) => oid);
}

/** For how long uses are known on all servers, or why that is not long enough to judge. */
async function knownSpan(context: CheckContext, candidates: number): Promise<{ span: Span; why?: Untold }> {
  const { since: begun, now } = await once(context, readCountedSince);
  const history = context.indexHistory?.since.getTime();
  const countedSince = begun?.getTime() ?? now.getTime();
  let since = Math.min(countedSince, history ?? Infinity);
  for (const replica of context.replicas) {
    since = Math.max(since, (await readCountedSince(replica.connection)).since?.getTime() ?? now.getTime());
  }
  const span = { since: new Date(since), now, countedSince };
  const { unusedDays } = thresholdsOf(context);
  const what = `${counted(candidates, 'index is', 'indexes are')} not used by the servers that were asked`;
  if (context.unreachedReplicas.length > 0) {
    const missing = listed(context.unreachedReplicas);
    return {
      span,
      why: {
        reason: `${what}, but ${missing} could not be asked`,
        fix: `give the addresses of all replicas: ${missing}`,
      },
    };
  }
  const days = (now.getTime() - since) / dayMs;
  if (days >= unusedDays) return { span };
  return {
    span,
    why: {
      reason: `${what}, but that is known for ${counted(Math.floor(days), 'day')} only; ${counted(unusedDays, 'day')} are needed`,
      fix: 'ask again later; statistics begin anew after a crash and when they are reset',
    },
  };
}

/** Indexes that are known for less than the time that is needed, as far as that can be told. */
async function youngerThan(
  context: CheckContext,
  families: readonly Family[],
  { now, countedSince }: Span,
): Promise<Set<number>> {
  const limit = now.getTime() - thresholdsOf(context).unusedDays * dayMs;
  const made = await context.connection.run<{ oid: number }>(
    `
    SELECT i.indexrelid AS "oid"
      FROM pg_index i
     WHERE i.indexrelid = ANY ($1::oid[])
       AND current_setting('track_commit_timestamp')::bool
       AND CASE WHEN current_setting('track_commit_timestamp')::bool
                THEN pg_xact_commit_timestamp(i.xmin) > to_timestamp($2::float8) END
    `,
    [`{${families.map(({ root }) => root.oid).join(',')}}`, limit / 1000],
  );
  const seen = new Map(context.indexHistory?.uses.map((use) => [nameOf(use), use.since?.getTime() ?? 0]));
  const unnamed = context.indexHistory ? countedSince : 0;
  const late = families.filter(({ root }) => (seen.get(nameOf(root)) ?? unnamed) > limit);
  return new Set([...made.map(({ oid }) => oid), ...late.map(({ root }) => root.oid)]);
}

/** Foreign keys that one of these indexes serves and no other does, by the index. */
async function readSole(
  context: CheckContext,
  indexes: readonly IndexDetails[],
  families: readonly Family[],
): Promise<ReadonlyMap<number, ForeignKey>> {
  if (families.length === 0) return new Map();
  const keysOf = Map.groupBy(await once(context, readForeignKeys), ({ tableOid }) => tableOid);
  const indexesOf = Map.groupBy(indexes, ({ tableOid }) => tableOid);
  const soleKey = (index: IndexDetails): ForeignKey | undefined => {
    const others = (indexesOf.get(index.tableOid) ?? []).filter(({ oid }) => oid !== index.oid);
    return keysOf.get(index.tableOid)?.find((key) => serves(index, key) && !others.some((other) => serves(other, key)));
  };
  return new Map(
    families.flatMap(({ root, members }) => {
      const key = members.map(soleKey).find((each) => each !== undefined);
      return key ? [[root.oid, key] as const] : [];
    }),
  );
}

function describe(
  { root, members, bytes: size }: Family,
  { since, now }: Span,
  soleKey: ForeignKey | undefined,
  definition: IndexDefinition | undefined,
  { replicas }: CheckContext,
): Finding {
  const days = Math.floor((now.getTime() - since.getTime()) / dayMs);
  const table = spoken({ schema: root.schema, name: root.table });
  const where = replicas.length > 0 ? ` on the primary and ${counted(replicas.length, 'replica')}` : '';
  const warnings = [
    soleKey &&
      `It is the only index that serves the foreign key ${soleKey.name}: without it, deletes in ${spoken({ schema: soleKey.parentSchema, name: soleKey.parentTable })} read the whole table.`,
    root.expressions !== null && 'The planner may use its statistics of an expression even though it never scans it.',
    root.clustered && 'CLUSTER goes by it.',
  ].filter((warning) => typeof warning === 'string');
  return {
    check: unusedIndex.id,
    key: keyOf(unusedIndex.id, root),
    severity: size >= smallBytes && !soleKey ? 'warning' : 'info',
    subject: { kind: 'index', schema: root.schema, table: root.table, name: root.name },
    title: `The index ${spoken(root)} ${columnsOf(root)} on ${table} was not used in the ${counted(days, 'day')} that are known${where}`,
    explanation: [
      'Every write keeps it up to date and it takes space and memory, but no statement read it.',
      ...warnings,
      'When it was made is not recorded; and think of what runs once a month or once a year.',
    ].join(' '),
    evidence: [
      { label: 'Scans', value: 0 },
      { label: 'Known since', value: since.toISOString() },
      { label: 'Size', value: size, unit: 'bytes' },
      ...(members.length > 1 ? [{ label: 'Partitions', value: members.length - 1 }] : []),
    ],
    gain: { bytes: size, text: `${bytes(size)} of disk, and less work for every write to ${table}` },
    remedy: dropIndex(root, definition, {
      risk: warnings.length > 0 ? 'medium' : 'low',
      riskDetail: `A statement that runs rarely may turn out to need it: making it anew takes a while.${warnings.length > 0 ? ` ${warnings.join(' ')}` : ''}`,
    }),
  };
}
