import { messageOf, PitcrewError } from '../../../errors.ts';
import type { ServerProfile, Skipped } from '../../../engine/postgres/index.ts';
import type { BaselineChange, BaselineEntry, MetricSample } from '../../store/index.ts';
import { Baseline, mergeChanges, type Reading } from '../deltas/baseline.ts';
import type { SlotState } from '../health/index.ts';
import { seriesName } from '../latest.ts';
import { counter, type CountingCollector, type Found, gauge, type MetricGroup, type Scrape } from './collector.ts';
import {
  readReplicationSubject,
  readSlotsSubject,
  readStandbySubject,
  readWalReceiverSubject,
} from './instance-replication.ts';
import {
  type CounterReading,
  plainSubjects,
  readDatabaseSubject,
  type Subject,
  type SubjectFound,
} from './instance-subjects.ts';

interface SeriesReading extends Reading {
  counter: CounterReading;
}

/** What the health score needs beyond metrics; `undefined` where it was not read. */
export interface InstanceView {
  slots: SlotState[] | undefined;
  walReceiver: { status: string } | null | undefined;
  checksumFailures: number | null | undefined;
  /** Whether the server is in recovery now; a promotion in place changes it without a new connection. */
  inRecovery: boolean | undefined;
}

/**
 * Reads the statistics of the server subject by subject. One that fails does not lose the others; one that the server does
 * not offer is asked for again only after the server was probed anew.
 */
export class InstanceCollector implements CountingCollector {
  readonly #run = new Baseline({ counters: 0 }, '@instance/');
  readonly #baselines = new Map<string, Baseline<SeriesReading>>();
  readonly #notOffered = new Map<string, { profile: ServerProfile; skipped: Skipped[] }>();
  #stored: ReadonlyMap<string, BaselineEntry> = new Map();
  #view: InstanceView = emptyView();

  get view(): InstanceView {
    return this.#view;
  }

  load(stored: ReadonlyMap<string, BaselineEntry>): void {
    this.#stored = stored;
    this.#baselines.clear();
    this.#run.load(stored);
  }

  async collect(scrape: Scrape): Promise<Found> {
    const view = emptyView();
    const skipped: Skipped[] = [];
    const groups: MetricGroup[] = [];
    const changes: BaselineChange[] = [];
    const failures: unknown[] = [];
    const subjects = this.#subjects(view);
    const found: { subject: Subject; of: SubjectFound }[] = [];
    for (const subject of subjects) {
      const known = this.#notOffered.get(subject.name);
      if (known?.profile === scrape.profile) {
        skipped.push(...known.skipped);
        continue;
      }
      try {
        const of = await subject.read(scrape);
        found.push({ subject, of });
        skipped.push(...of.skipped);
        if (of.skipped.length > 0 && of.counters.length + of.gauges.length === 0) {
          this.#notOffered.set(subject.name, { profile: scrape.profile, skipped: of.skipped });
        }
      } catch (error) {
        if (!scrape.connection.isOpen) throw error;
        failures.push(error);
        skipped.push({ subject: subject.name, reason: messageOf(error), fix: hintOf(error) });
      }
    }
    if (failures.length === subjects.length) throw failures[0];

    for (const { subject, of } of found) {
      const { group, change } = this.#count(subject, of, scrape);
      groups.push(group);
      if (change) changes.push(change);
    }
    this.#run.belongsTo(scrape.profile.identity);
    const run = this.#run.step([], scrape.at, true);
    groups.push({
      source: 'instance/profile',
      samples: [gauge('sessions.max_connections', scrape.profile.maxConnections)],
      seconds: run.seconds,
    });
    this.#view = view;
    return { seconds: run.seconds, groups, baseline: mergeChanges([...changes, run.change]), skipped };
  }

  /** Increases of a subject's counters. The first look at a subject is a start, whatever else is known of the server. */
  #count(
    subject: Subject,
    of: SubjectFound,
    { at, profile }: Scrape,
  ): { group: MetricGroup; change: BaselineChange | undefined } {
    const source = `instance/${subject.name}`;
    if (of.counters.length === 0) return { group: { source, samples: of.gauges, seconds: 0 }, change: undefined };
    const baseline = this.#baselineOf(subject.name);
    baseline.belongsTo(profile.identity);
    const step = baseline.step(
      of.counters.map((reading) => ({
        key: seriesName(reading.name, reading.labels),
        values: [reading.value],
        stamp: reading.stamp,
        counter: reading,
      })),
      at,
      true,
    );
    const counters = step.increases
      .filter(({ reading }) => !subject.sparse || reading.counter.value > 0)
      .map(({ reading, by }): MetricSample => counter(reading.counter.name, by[0] ?? 0, reading.counter.labels));
    return { group: { source, samples: [...counters, ...of.gauges], seconds: step.seconds }, change: step.change };
  }

  #baselineOf(subject: string): Baseline<SeriesReading> {
    const known = this.#baselines.get(subject);
    if (known) return known;
    const made = new Baseline<SeriesReading>(
      // A subscription that is new began at zero; anything else that is new was only not read before.
      { counters: 1, withUnchanged: true, newKey: subject === 'subscriptions' ? 'count' : 'ignore' },
      `${subject}/`,
    );
    made.load(this.#stored);
    this.#baselines.set(subject, made);
    return made;
  }

  #subjects(view: InstanceView): Subject[] {
    return [
      {
        name: 'standby',
        read: async (scrape) => {
          const found = await readStandbySubject(scrape);
          view.inRecovery = found.standby?.inRecovery;
          return found;
        },
      },
      {
        name: 'database',
        read: async (scrape) => {
          const found = await readDatabaseSubject(scrape);
          const failures = found.rows.map(({ checksumFailures }) => checksumFailures).filter((value) => value !== null);
          if (found.rows.length > 0) {
            view.checksumFailures = failures.length === 0 ? null : failures.reduce((sum, value) => sum + value, 0);
          }
          return found;
        },
      },
      { name: 'replication', read: readReplicationSubject },
      {
        name: 'slots',
        read: async (scrape) => {
          const found = await readSlotsSubject(scrape);
          if (found.skipped.length === 0 || found.slots.length > 0) view.slots = found.slots;
          return found;
        },
      },
      {
        name: 'wal receiver',
        read: async (scrape) => {
          const found = await readWalReceiverSubject(scrape);
          // A receiver whose status is hidden from us is one that we know nothing of.
          if (found.receiver?.status) view.walReceiver = { status: found.receiver.status };
          else if (!found.receiver && found.skipped.length === 0) view.walReceiver = null;
          return found;
        },
      },
      ...plainSubjects,
    ];
  }
}

function emptyView(): InstanceView {
  return { slots: undefined, walReceiver: undefined, checksumFailures: undefined, inRecovery: undefined };
}

function hintOf(error: unknown): string | null {
  return error instanceof PitcrewError ? (error.hint ?? null) : null;
}
