import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { LogPlan, MissingLog, RestoredServer, RestorePlan } from '../../ops/backup/index.ts';
import { paint } from '../output.ts';
import { formatBytes, formatMs } from './format.ts';

/** What a restore would do. */
export function planLines(plan: RestorePlan, missingText: (missing: MissingLog) => string): string[] {
  const { backup, to, chain, places, log, expected, target } = plan;
  const members = chain.map(
    ({ id, storedBytes, bytes }) => `${id} (${formatBytes(storedBytes)}, ${formatBytes(bytes)})`,
  );
  const folders = places.map(({ from, to: place, bytes }) =>
    from === null ? `${place} (${formatBytes(bytes)})` : `${place} (tablespace of ${from}, ${formatBytes(bytes)})`,
  );
  const time = expected
    ? `about ${formatMs(expected.ms)} to read, at ${formatBytes(expected.bytesPerSecond)}/s; the disk it goes to was not measured, and neither was the log`
    : 'not known: nothing could be read';
  const facts: [string, string][] = [
    ...labelled('Reads', [
      `${formatBytes(plan.storedBytes)} stored, ${formatBytes(plan.bytes)} unpacked${chain.length > 1 ? `, in ${chain.length} backups:` : ''}`,
      ...(chain.length > 1 ? members : []),
    ]),
    ...labelled('Fills', folders),
    ...labelled(
      'Unchecked',
      plan.uncheckedRecords.map(
        (id) => `the record of ${id}: its checksum is missing, so whether it was changed is not known`,
      ),
    ),
    ['Takes', time],
    ['Replays', replayText(log)],
    ...labelled('Reaches', [
      `from ${log.earliest.at.toISOString()} (${lsnText(log.earliest.lsn)}, timeline ${log.earliest.timeline})`,
      log.latest
        ? `to about ${log.latest.at.toISOString()} (${log.latest.isPart ? 'somewhere before ' : ''}${lsnText(log.latest.lsn)}, timeline ${log.latest.timeline})`
        : 'nothing: log is missing',
    ]),
    ['Target', targetText(target)],
    ...labelled('Missing', log.missing.map(missingText)),
    ...(plan.maySubscribe
      ? labelled('Connects', [
          'when it is open, to the publishers of its subscriptions: changes that it takes there its source does not get.',
          'Start it beside that with -c max_logical_replication_workers=0, without --start.',
        ])
      : []),
    ...(plan.hasSettings
      ? []
      : labelled('Settings', [
          'not in the backup: the server had them outside of its data directory, as Debian does.',
          'Start it with -c config_file=…, or with --start, which makes plain ones.',
        ])),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  return [paint('bold', `${backup.id} to ${to}`), ...facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}

/** Log that a restore in place would remove, and that is stored nowhere. */
export function unstoredLines(names: readonly string[]): string[] {
  const [first = '', last = first] = [names[0], names.at(-1)];
  if (names.length === 0) return [];
  const which = names.length === 1 ? first : `${first} to ${last}`;
  return [
    `  ${paint('yellow', 'Loses')}  log in pg_wal that was never stored: ${which} (${names.length}). What was committed last may be in it: copy it elsewhere first.`,
  ];
}

/** Where a server's recovery ended. */
export function startedLines({ state, end, tookMs, madeFiles }: RestoredServer, to: string): string[] {
  const states = {
    open: `is open for writing${end.timeline === undefined ? '' : ` on timeline ${end.timeline}`}`,
    paused: 'waits at the target, and can be read: pg_wal_replay_resume() opens it',
    shutdown: 'has reached its target and is shut down',
  };
  return [
    `The server in ${to} ${states[state]}, after ${formatMs(tookMs)}.`,
    ...(end.stopped === undefined ? [] : [`Recovery stopped ${end.stopped}.`]),
    ...(end.lastLsn === undefined ? [] : [`The last record that it replayed is at ${lsnText(end.lastLsn)}.`]),
    ...(end.lastTransactionAt === undefined ? [] : [`The last transaction is of ${end.lastTransactionAt}.`]),
    ...(madeFiles.length === 0 ? [] : [`Made, because there were none: ${madeFiles.join(', ')}.`]),
    ...(state === 'shutdown' ? [] : [`Until it is started again its log goes to ${to}.log.`]),
  ];
}

/** A fact in several lines. */
const labelled = (name: string, values: string[]): [string, string][] =>
  values.map((value, place) => [place === 0 ? name : '', value]);

function replayText({ from, to, segments, bytes, timeline }: LogPlan): string {
  const count = `${segments} ${segments === 1 ? 'segment' : 'segments'} of log, ${formatBytes(bytes)}`;
  const way = timeline === undefined ? '' : `, along timeline ${timeline}`;
  return to === undefined
    ? `at most ${count}, from ${lsnText(from)} on${way}`
    : `${count}, from ${lsnText(from)} to ${lsnText(to)}${way}`;
}

function targetText({ time, lsn, xid, name, immediate, exclusive, action }: RestorePlan['target']): string {
  const found = [
    time === undefined ? undefined : `time ${time}`,
    lsn === undefined ? undefined : `position ${lsnText(lsn)}`,
    xid === undefined ? undefined : `transaction ${xid}; whether it is in the log cannot be told before`,
    name === undefined ? undefined : `point ${JSON.stringify(name)}; whether it is in the log cannot be told before`,
    immediate ? 'the end of the backup' : undefined,
  ].find((text) => text !== undefined);
  if (found === undefined) return 'the end of the log';
  return `${found}${exclusive ? ', exclusive' : ''}${action === undefined ? '' : `, then ${action}`}`;
}
