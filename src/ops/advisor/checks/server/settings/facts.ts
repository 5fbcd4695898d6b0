import {
  type DatabaseConnection,
  readDatabases,
  readTables,
  readWal,
  type ServerProfile,
} from '../../../../../engine/postgres/index.ts';
import type { CheckContext, Machine } from '../../../types.ts';
import { needed } from '../../needed.ts';
import { once } from '../../readings.ts';
import { hoursBetween, knownTime } from '../known-time.ts';
import { readServerSettings, type ServerSettings } from '../server-settings.ts';

/** How much WAL the server writes. */
export interface WalFacts {
  bytesPerHour: number;
  fullPageShare: number;
  /** How often a session found the WAL buffers full. */
  buffersFullPerHour: number;
}

/** What settings are held against: the machine, where it is known, and what the server does. */
export interface Facts {
  settings: ServerSettings;
  machine: Machine | null;
  versionNumber: number;
  isStandby: boolean;
  maxConnections: number;
  /** Tables, indexes and TOAST of the current database, from `relpages`. */
  dataBytes: number;
  /** The largest table alone. */
  largestTable: { name: string; bytes: number; rows: number } | undefined;
  /** Share of blocks found in shared_buffers; `undefined` while too few were asked for. */
  hitRatio: number | undefined;
  wal: WalFacts | undefined;
  /** How long all of it is counted. */
  hours: number;
}

/** Fewer blocks say nothing of the cache. */
const leastBlocks = 100_000;

export async function readFacts(context: CheckContext): Promise<Facts> {
  const { profile, machine } = context;
  const known = await knownTime(context);
  const [wal] = (await once(context, readWal)).rows;
  const database = (await once(context, readDatabases)).rows.find(({ current }) => current);
  const tables = needed(await once(context, readTables), 'The tables');
  const largest = tables.toSorted((a, b) => b.heapBytes - a.heapBytes)[0];
  const blocks = (database?.blocksHit ?? 0) + (database?.blocksRead ?? 0);
  const walHours = known && wal?.statsReset ? hoursBetween(wal.statsReset, known.now) : 0;
  return {
    settings: await readServerSettings(context),
    machine,
    versionNumber: profile.versionNumber,
    isStandby: profile.isStandby,
    maxConnections: profile.maxConnections,
    dataBytes: await once(context, readDataBytes),
    largestTable: largest && {
      name: `${largest.schema}.${largest.name}`,
      bytes: largest.heapBytes,
      rows: largest.estimatedRows ?? largest.liveRows,
    },
    hitRatio: database && blocks >= leastBlocks ? database.blocksHit / blocks : undefined,
    wal:
      wal && walHours > 0
        ? {
            bytesPerHour: wal.bytes / walHours,
            // An image is a block, less the hole in its middle and what compression saves: an upper bound.
            fullPageShare: wal.bytes === 0 ? 0 : Math.min(1, (wal.fullPageImages * profile.blockSize) / wal.bytes),
            buffersFullPerHour: wal.buffersFull / walHours,
          }
        : undefined,
    hours: Math.min(known?.hours ?? 0, walHours),
  };
}

/** Bytes of the tables and indexes of the database. */
async function readDataBytes(connection: DatabaseConnection, { blockSize }: ServerProfile): Promise<number> {
  const [size] = await connection.run<{ bytes: number }>(
    `
    SELECT coalesce(sum(relpages::int8), 0) * ${blockSize} AS "bytes"
      FROM pg_class
     WHERE relkind IN ('r', 'i', 't', 'm')
    `,
  );
  return size?.bytes ?? 0;
}
