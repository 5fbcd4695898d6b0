import {
  type DatabaseSizeRow,
  readDatabaseSizes,
  readSequences,
  readSettings,
  type Skipped,
} from '../../../engine/postgres/index.ts';
import { messageOf } from '../../../errors.ts';
import type { MetricSample } from '../../store/index.ts';
import type { SequenceState } from '../health/index.ts';
import type { SettingState } from '../types.ts';
import { gauge, type MetricGroup, type Scrape } from './collector.ts';

/** At most so many databases are named; the sizes of the rest are summed up. */
const namedDatabases = 50;

/** Reads what seldom changes: settings, sizes of databases, sequences. */
export class SlowCollector {
  #settings: SettingState[] | undefined;
  #sequences: SequenceState[] | undefined;

  /** `undefined` until read. */
  get settings(): SettingState[] | undefined {
    return this.#settings;
  }

  get sequences(): SequenceState[] | undefined {
    return this.#sequences;
  }

  /** Each part fails on its own; only when all fail the first failure is thrown. */
  async collect({ connection, profile }: Scrape): Promise<{ groups: MetricGroup[]; skipped: Skipped[] }> {
    const skipped: Skipped[] = [];
    const failures: unknown[] = [];
    const samples: MetricSample[] = [];
    const part = async (subject: string, read: () => Promise<Skipped[]>): Promise<void> => {
      try {
        skipped.push(...(await read()));
      } catch (error) {
        if (!connection.isOpen) throw error;
        failures.push(error);
        skipped.push({ subject, reason: messageOf(error), fix: null });
      }
    };
    await part('settings', async () => {
      const reading = await readSettings(connection, profile);
      this.#settings = reading.rows;
      return reading.skipped;
    });
    await part('sequences', async () => {
      const reading = await readSequences(connection);
      this.#sequences = reading.rows.map(({ schema, name, used, cycles, ownedBy, narrowColumn }) => ({
        schema,
        name,
        used,
        cycles,
        ownedBy,
        narrowColumn,
      }));
      return reading.skipped;
    });
    await part('database sizes', async () => {
      const reading = await readDatabaseSizes(connection, profile);
      samples.push(...sizes(reading.rows));
      return reading.skipped;
    });
    if (failures.length === 3) throw failures[0];
    return { groups: [{ source: 'slow', samples, seconds: 0 }], skipped };
  }
}

function sizes(rows: readonly DatabaseSizeRow[]): MetricSample[] {
  const sorted = rows.toSorted((a, b) => b.bytes - a.bytes);
  const rest = sorted.slice(namedDatabases).reduce((sum, { bytes }) => sum + bytes, 0);
  return [
    ...sorted.slice(0, namedDatabases).map(({ database, bytes }) => gauge('database.size_bytes', bytes, { database })),
    ...(rest > 0 ? [gauge('database.size_bytes', rest, { database: '(others)' })] : []),
  ];
}
