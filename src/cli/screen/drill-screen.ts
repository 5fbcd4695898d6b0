import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { Drilled, DrillRecord } from '../../ops/backup/index.ts';
import { counted } from '../../ops/words/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs } from './format.ts';

/** Of a list: `proven 2 d 3 h ago, ready in 41.0 s`. */
export function proofText(drill: DrillRecord | undefined): string {
  if (!drill) return 'no';
  const ago = `${formatMs(Math.max(0, Date.now() - drill.endedAt.getTime()))} ago`;
  return drill.proven ? `${ago}, ready in ${readyText(drill)}` : paint(['red', 'bold'], `failed ${ago}`);
}

/** What a drill did and found. */
export function drillLines({ record, kept, notKept }: Drilled): string[] {
  const { backup, proven, problems, notes } = record;
  return [
    `${backup}  ${proven ? paint('green', 'proven') : paint(['red', 'bold'], 'not proven')}`,
    ...factsOf(record).map(([name, value]) => `  ${name.padEnd(nameWidth)}  ${value}`),
    ...problems.map((problem) => `  ${paint('red', 'Wrong')}: ${problem}`),
    ...notes.map((note) => `  ${paint('yellow', 'Note')}: ${note}`),
    ...(notKept === undefined ? [] : [`  The repository did not take what was found: ${notKept}.`]),
    ...(kept
      ? [
          `  It runs on: psql -h ${kept.socket} -U ${kept.role} postgres`,
          `  To end it and remove everything: kill -INT ${kept.pid}; rm -r ${kept.folder}`,
        ]
      : []),
  ];
}

/** Of `show`: the drills of a backup, the latest last. */
export function drillFacts(drills: readonly DrillRecord[]): string[] {
  return drills.flatMap((drill) => [
    '',
    `Drill of ${drill.startedAt.toISOString()}: ${drill.proven ? paint('green', 'proven') : paint(['red', 'bold'], 'not proven')}`,
    ...factsOf(drill).map(([name, value]) => `  ${name.padEnd(nameWidth)}  ${value}`),
    ...drill.problems.map((problem) => `  ${paint('red', 'Wrong')}: ${problem}`),
    ...drill.notes.map((note) => `  ${paint('yellow', 'Note')}: ${note}`),
  ]);
}

const nameWidth = 9;

function factsOf(drill: DrillRecord): [string, string][] {
  const { reached, restoredBytes, segments, databases, checks, passed, checkMs } = drill;
  const facts: [string, string][] = [['Restored', `${formatBytes(restoredBytes)} in ${formatMs(drill.fetchMs)}`]];
  if (drill.recoveryMs === null) return facts;
  const lsn = reached.lsn === null ? 'a position that is not known' : lsnText(reached.lsn);
  const at = reached.at === null ? '' : `, last transaction ${reached.at.toISOString()}`;
  facts.push(
    [
      'Recovered',
      `${targetText(drill.target)}${counted(segments, 'file')} of log in ${formatMs(drill.recoveryMs)}, to ${lsn}${at}`,
    ],
    ['Ready in', readyText(drill)],
  );
  const sum = (name: 'tables' | 'rows' | 'indexes' | 'skipped'): number =>
    databases.reduce((total, database) => total + database[name], 0);
  const skipped = sum('skipped') > 0 ? `, ${sum('skipped')} not` : '';
  const counts = `${databases.length} databases, ${sum('tables')} tables, ${formatCount(sum('rows'))} rows, ${sum('indexes')} indexes`;
  facts.push(['Looked at', `${counts}${skipped}, in ${formatMs(checkMs)}`]);
  if (checks > 0) facts.push(['Checks', `${passed} of ${checks} hold`]);
  return facts;
}

function targetText({ kind, value, seed }: DrillRecord['target']): string {
  if (kind === 'end') return '';
  return kind === 'random' ? `to ${value} (seed ${seed}): ` : `to ${value}: `;
}

const readyText = ({ fetchMs, recoveryMs }: DrillRecord): string =>
  fetchMs === null || recoveryMs === null ? '–' : formatMs(fetchMs + recoveryMs);
