import { readableName } from '../../../../sql/index.ts';
import { type CheckDefinition, graded, ok, severity, unknown, warning } from '../check.ts';
import type { HealthInput, TableScans } from '../input.ts';
import { increase, leastSeconds, notWatched, notRead, settingText } from '../reading.ts';
import { largeTableRows } from '../window.ts';
import { count, counted, lately, listed, percent } from '../../../words/index.ts';

/** 80 MB with blocks of 8 kB: below that, a few cold reads decide the ratio. */
const leastBlocks = 10_000;
/** How long a cache may take to fill after a start. */
const warmUpMs = 10 * 60_000;

export const cacheHits: CheckDefinition = {
  id: 'cache-hits',
  title: 'Buffer cache',
  weight: 6,
  cap: 69,
  thresholds:
    'warning below 90 %, critical below 70 %; not judged below 10,000 blocks in 5 minutes, nor bad in the 10 minutes after a start',
  source: '`pg_stat_database`: `blks_hit`, `blks_read`',
  collector: 'instance',
  judge(input) {
    const hit = increase(input, 'recent', 'database.blocks_hit');
    const read = increase(input, 'recent', 'database.blocks_read');
    if (!hit || !read) return notWatched(input, 'The buffer cache', 'database.blocks_hit', ['database']);
    const all = hit.increase + read.increase;
    const evidence = { hit: hit.increase, read: read.increase, ratio: all === 0 ? null : hit.increase / all };
    if (all < leastBlocks) {
      return unknown(
        `Only ${counted(all, 'block')} were read ${lately(hit.seconds)}, too few to judge`,
        null,
        evidence,
      );
    }
    const ratio = hit.increase / all;
    const started = input.status.server?.startedAt;
    if (ratio < 0.9 && started && input.now.getTime() - started.getTime() < warmUpMs) {
      return unknown(
        `The server was started less than 10 minutes ago, its cache still fills (${percent(ratio)})`,
        null,
        evidence,
      );
    }
    return graded(
      ratio,
      { warning: 0.9, critical: 0.7 },
      {
        fine: `${percent(ratio)} of blocks are found in the buffer cache`,
        evidence,
        problem: {
          message: `Only ${percent(ratio)} of blocks are found in the buffer cache`,
          advice:
            `Look for statements that read many blocks: a missing index is the usual cause. If the working set is larger than ` +
            `shared_buffers (now ${settingText(input, 'shared_buffers')}), raise it, to about a quarter of the memory.`,
        },
      },
    );
  },
};

/** Scans of large tables, of the last minutes or, where there are none to look back on, since the server counts. */
function scansOf(input: HealthInput): { largeTables: readonly TableScans[]; when: string } | undefined {
  const { largeTables, tableSeconds } = input.window;
  if (tableSeconds >= leastSeconds(input)) return { largeTables, when: lately(tableSeconds) };
  if (!input.once || !input.tables) return undefined;
  return {
    largeTables: input.tables.filter(
      ({ liveRows, seqScans, indexScans }) => liveRows >= largeTableRows && seqScans + indexScans > 0,
    ),
    when: 'since its statistics began',
  };
}

/** Fewer sequential scans in 15 minutes are somebody's report. */
const leastSeqScans = 10;

export const indexUsage: CheckDefinition = {
  id: 'index-usage',
  title: 'Index usage',
  weight: 6,
  cap: null,
  thresholds:
    'warning below 90 % of scans by index on a table of 10,000 rows or more with at least 10 sequential scans in 15 minutes; full loss at 50 %',
  source: '`pg_stat_user_tables`: `seq_scan`, `idx_scan`',
  collector: 'tables',
  judge(input) {
    const scans = scansOf(input);
    if (!scans) return notRead(input, 'The scans of tables', ['tables', 'counters of tables and indexes']);
    const { largeTables, when } = scans;
    if (largeTables.length === 0) return ok(`No large table was read ${when}`);
    const poor = largeTables
      .map((table) => ({ ...table, ratio: table.indexScans / (table.seqScans + table.indexScans) }))
      .filter(({ seqScans, ratio }) => seqScans >= leastSeqScans && ratio < 0.9)
      .toSorted((a, b) => b.seqScans * b.liveRows - a.seqScans * a.liveRows);
    const worst = poor[0];
    const evidence = { largeTables: largeTables.length, poorlyIndexed: poor.length };
    if (!worst) return ok(`Large tables are read by index (${counted(largeTables.length, 'table')})`, evidence);
    const lowest = Math.min(...poor.map(({ ratio }) => ratio));
    const name = readableName(worst.schema, worst.name);
    const others =
      poor.length > 1
        ? `; others: ${listed(poor.slice(1).map((table) => readableName(table.schema, table.name)))}`
        : '';
    return warning(severity(lowest, { warning: 0.9, critical: 0.5 })?.loss ?? 0, {
      message:
        `${name} (${count(worst.liveRows)} rows) was read whole ${counted(worst.seqScans, 'time')} ` +
        `${when}${others}`,
      evidence: {
        ...evidence,
        table: name,
        seqScans: worst.seqScans,
        indexScans: worst.indexScans,
        ratio: worst.ratio,
      },
      advice: `Look at the plans of the statements that read ${name}, and index the columns that they filter or join by.`,
    });
  },
};
