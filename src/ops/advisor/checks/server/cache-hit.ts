import {
  type IndexRow,
  readDatabases,
  readIndexes,
  readTables,
  type TableRow,
} from '../../../../engine/postgres/index.ts';
import { readableName } from '../../../../sql/index.ts';
import { bytes, count, percent } from '../../../words/index.ts';
import type { Check, CheckContext, Evidence, Finding } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, notReadable, unknown, untoldOf } from './answers.ts';
import { hoursBetween, type KnownTime, knownTime, moment } from './known-time.ts';
import { readServerSettings } from './server-settings.ts';

export interface CacheHitLimits {
  /** Fewer blocks asked for say nothing. */
  leastBlocks: number;
  /** A cache that was emptied by a start needs time to fill. */
  leastHours: number;
  warning: number;
  info: number;
}

const defaults: CacheHitLimits = { leastBlocks: 100_000, leastHours: 1, warning: 0.9, info: 0.95 };

/** How much of what is read is found in shared_buffers, in the database and by table. */
export function cacheHitCheck(limits: CacheHitLimits = defaults): Check {
  return {
    id: 'cache-hit',
    title: 'Buffer cache',
    documentation:
      `The share of blocks that were found in \`shared_buffers\` (\`blks_hit\` ÷ (\`blks_hit\` + \`blks_read\`)): info below ` +
      `${percent(limits.info)}, a warning below ${percent(limits.warning)}, and the tables and indexes to which most reads go. What the operating ` +
      `system's cache holds counts as read, because PostgreSQL cannot see it. Cannot tell below ${count(limits.leastBlocks)} blocks, or ` +
      'within an hour of a start or a reset. Source: `pg_stat_database`, `pg_statio_user_tables`, `pg_statio_user_indexes`.',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: CacheHitLimits) {
  const known = await knownTime(context);
  const databases = await once(context, readDatabases);
  const database = databases.rows.find(({ current }) => current);
  if (known === undefined || database === undefined)
    return notReadable(databases.skipped, 'The counters of the database');
  const all = database.blocksHit + database.blocksRead;
  if (all < limits.leastBlocks) {
    return unknown(`Only ${count(all)} blocks were asked for since ${moment(known.since)}, too few to judge`);
  }
  const ratio = database.blocksHit / all;
  const evidence: Evidence[] = [
    { label: 'Counted since', value: moment(known.since) },
    { label: 'Found in shared_buffers', value: ratio, unit: 'ratio' },
    { label: 'Blocks read', value: database.blocksRead },
  ];
  const fine = `${percent(ratio)} of blocks are found in shared_buffers`;
  if (ratio >= limits.info) return answer([], fine, { evidence });
  if (Math.min(known.hours, hoursBetween(known.startedAt, known.now)) < limits.leastHours) {
    return unknown(
      `The cache was empty when counting began (${moment(known.since)}), and still fills (${percent(ratio)})`,
    );
  }
  const tables = await once(context, readTables);
  const indexes = await readIndexes(context.connection, context.profile);
  const worst = [...tables.rows.map(readsOfTable), ...indexes.rows.map(readsOfIndex)]
    .filter(({ read }) => read > 0)
    .toSorted((a, b) => b.read - a.read)
    .slice(0, 5);
  const settings = await readServerSettings(context);
  const finding: Finding = {
    check: 'cache-hit',
    key: `cache-hit:${context.profile.database}`,
    severity: ratio < limits.warning ? 'warning' : 'info',
    subject: { kind: 'database', name: context.profile.database },
    title: `Only ${percent(ratio)} of blocks are found in shared_buffers`,
    explanation:
      'Blocks that are not there come from the operating system’s cache or from the disk. Statements that read more than they need ' +
      'are the usual reason; else the working set is larger than shared_buffers.',
    evidence: [
      ...evidence,
      { label: 'shared_buffers', value: settings.bytes('shared_buffers') ?? null, unit: 'bytes' },
      ...worst.map((reads) => readsEvidence(reads, context, known)),
    ],
    gain: null,
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'low',
      riskDetail:
        'First look for statements that read whole tables for few rows, and index what they look for. What memory the server should ' +
        'have is in the advice on memory settings.',
      appliable: false,
    },
  };
  return answer([finding], fine, { untold: untoldOf(tables.skipped) });
}

/** Blocks of a table or an index that were not, and that were, found in shared_buffers. */
interface Reads {
  name: string;
  read: number;
  hit: number;
}

function readsOfTable({ schema, name, heapRead, heapHit, toastRead, toastHit }: TableRow): Reads {
  return { name: readableName(schema, name), read: heapRead + toastRead, hit: heapHit + toastHit };
}

function readsOfIndex({ schema, name, blocksRead, blocksHit }: IndexRow): Reads {
  return { name: `index ${readableName(schema, name)}`, read: blocksRead, hit: blocksHit };
}

function readsEvidence({ name, read, hit }: Reads, { profile }: CheckContext, { hours }: KnownTime): Evidence {
  return {
    label: `Reads of ${name}`,
    value: `${bytes((read * profile.blockSize) / hours)} an hour, ${percent(hit / (read + hit))} found in shared_buffers`,
  };
}

export const cacheHit = cacheHitCheck();
