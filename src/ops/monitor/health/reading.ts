import type { MetricName } from '../metrics.ts';
import type { CollectorName, LatestMetric, Session } from '../types.ts';
import { type Judgement, unknown } from './check.ts';
import type { HealthInput, WindowSum } from './input.ts';
import { counted, duration, lowerFirst } from '../../words/index.ts';

/** Latest value of a metric without labels. */
export function latestValue(input: HealthInput, name: MetricName): number | undefined {
  return input.latest.get(name)?.value;
}

/** All series of a metric. */
export function latestSeries(input: HealthInput, name: MetricName): LatestMetric[] {
  return [...input.latest.values()].filter((metric) => metric.name === name);
}

/** For how long a counter must have been watched to be judged. */
export function leastSeconds({ once }: HealthInput): number {
  return once ? 1 : 30;
}

/** What a counter gained lately; `undefined` while it has been watched for less than `leastSeconds`. */
export function increase(input: HealthInput, span: 'recent' | 'hour', name: MetricName): WindowSum | undefined {
  const sum = input.window[span].get(name);
  return sum && sum.seconds >= leastSeconds(input) ? sum : undefined;
}

/** A setting's value as the server shows it; `undefined` when settings were not read or it does not exist. */
export function settingValue(input: HealthInput, name: string): string | undefined {
  return input.settings?.find((setting) => setting.name === name)?.value;
}

export function settingNumber(input: HealthInput, name: string): number | undefined {
  const value = settingValue(input, name);
  return value === undefined || value.trim() === '' || !Number.isFinite(Number(value)) ? undefined : Number(value);
}

/** A setting with its unit, for sentences: `1024 MB`; `its present value` when it is not known. */
export function settingText(input: HealthInput, name: string): string {
  const setting = input.settings?.find((candidate) => candidate.name === name);
  if (!setting) return 'its present value';
  const block = /^(\d+)(kB|MB)$/.exec(setting.unit ?? '');
  if (!block) return `${setting.value}${setting.unit ? ` ${setting.unit}` : ''}`;
  const kilobytes = Number(setting.value) * Number(block[1]) * (block[2] === 'MB' ? 1024 : 1);
  return kilobytes % 1024 === 0 ? `${kilobytes / 1024} MB` : `${kilobytes} kB`;
}

/** Sessions of clients. Of a session that is hidden from us not even the type is shown, but a database has no other. */
export function clientSessions(input: HealthInput): Session[] {
  return (input.activity?.sessions ?? []).filter(
    ({ backendType, database }) => backendType === 'client backend' || (backendType === 'unknown' && database !== null),
  );
}

/** "of app (pid 123, application web)" */
export function sessionName(session: Session): string {
  const application = session.application ? `, application ${session.application}` : '';
  return `${session.user ?? 'an unknown user'} (pid ${session.pid}${application})`;
}

/** What makes known what was not watched long enough. */
export const knownSoon = 'It is known once the database has been watched for half a minute.';

/**
 * The answer for what was not read: the reason that `status.skipped` gives for one of these subjects, else that nothing
 * is known of it yet.
 */
export function notRead(input: HealthInput, what: string, subjects: readonly string[]): Judgement {
  return skippedAnswer(input, what, subjects) ?? unknown(`Nothing is known yet of ${lowerFirst(what)}`, knownSoon);
}

/** The answer for a counter that was not watched long enough, or that could not be read at all. */
export function notWatched(input: HealthInput, what: string, name: MetricName, subjects: readonly string[]): Judgement {
  const skipped = skippedAnswer(input, what, subjects);
  if (skipped) return skipped;
  const seconds = Math.round(input.window.hour.get(name)?.seconds ?? 0);
  if (seconds > 0) {
    return unknown(`Too little was read in ${counted(seconds, 'second')} to judge ${lowerFirst(what)}`, knownSoon);
  }
  return unknown(`${what} cannot be judged before the counters have been read twice`, knownSoon);
}

function skippedAnswer(input: HealthInput, what: string, subjects: readonly string[]): Judgement | undefined {
  const skipped = input.status.skipped.find(({ subject }) => subjects.includes(subject));
  return skipped && unknown(`${what} could not be read: ${skipped.reason}`, skipped.fix);
}

/** What a collector reads, as one says it. */
const readBy: Record<CollectorName, string> = {
  activity: 'The sessions',
  statements: 'The statements',
  instance: "The server's counters",
  tables: 'The tables and indexes',
  slow: 'The settings and sizes',
};

/** Why what a collector reads cannot be relied on now; `null` when it is up to date. */
export function staleness(input: HealthInput, name: CollectorName): Judgement | null {
  const collector = input.status.collectors.find((candidate) => candidate.name === name);
  const what = readBy[name];
  if (!collector?.lastSuccess) {
    if (collector?.state === 'skipped') {
      return unknown(collector.message ?? `The server does not let us read ${lowerFirst(what)}`);
    }
    if (collector?.message) return unknown(`${what} could not be read yet: ${collector.message}`);
    return unknown(`${what} have not been read yet`, knownSoon);
  }
  const age = input.now.getTime() - collector.lastSuccess.getTime();
  if (age <= Math.max(3 * collector.cadenceMs, 60_000)) return null;
  const why = collector.message ? `: ${collector.message}` : '';
  return unknown(`${what} were last read ${duration(age / 1000)} ago${why}`);
}
