import pg from 'pg';
import { messageOf } from '../../errors.ts';
import { createAdviceStore } from './advice/advice-store.ts';
import { ReportWriter } from './applications/report-writer.ts';
import { createBackupStore } from './backups/backup-store.ts';
import { askCaches, pendingCommands } from './caches/commands.ts';
import { connectionConfig, StoreClient } from './connection.ts';
import { storeError } from './failures.ts';
import { createHistory } from './history/index.ts';
import { createReader } from './history/reader.ts';
import { levelsOf } from './levels.ts';
import { judgePlanChange, keepPlan } from './plans/write.ts';
import { Partitions, partitionsFor } from './partitions.ts';
import { storable } from './storable.ts';
import { type NamedRelation, statementKeyText, type Store, type StoreOptions } from './types.ts';
import { Upkeep } from './upkeep/upkeep.ts';
import { readBaseline } from './write/baseline.ts';
import { WriterSession } from './write/session.ts';
import { Writer } from './write/writer.ts';

const readTimeoutMs = 60_000;
/** How long `close` waits for what is not written yet. */
const closeTimeoutMs = 5_000;

/**
 * Opens the store in the schema `pitcrew` of a PostgreSQL database, making or upgrading its tables. At most four
 * connections: one that writes and holds the claims, three that read and keep house.
 * @throws {PitcrewError} `E_STORE_UNAVAILABLE` when the server cannot be reached or refuses, or its schema is too new.
 */
export async function openStore({ url, retention, logger }: StoreOptions): Promise<Store> {
  const levels = levelsOf(retention);
  const pool = new pg.Pool({
    ...connectionConfig(url, readTimeoutMs),
    Client: StoreClient,
    max: 3,
    idleTimeoutMillis: 30_000,
  });
  // A connection that breaks between two queries is replaced; the next query tells if there is trouble.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  const partitions = new Partitions();
  const session = new WriterSession(url, (error) => writer.sessionLost(error));
  const upkeep = new Upkeep(pool, levels, logger);
  const writer = new Writer(session, partitions, logger, () => upkeep.addFingerprints());
  const reports = new ReportWriter(pool, logger);
  try {
    await session.use((client) => partitions.ensure(client, partitionsFor(Date.now())));
  } catch (error) {
    await Promise.allSettled([session.close(), pool.end()]);
    throw storeError(error, 'the store cannot be opened');
  }
  upkeep.start();

  return {
    history: createHistory(pool),
    advice: createAdviceStore(pool),
    backups: createBackupStore(pool),
    levels,
    target: (name) =>
      onSession(session, async (client) => {
        await client.query('INSERT INTO pitcrew.target (name) VALUES ($1) ON CONFLICT DO NOTHING', [name]);
        const { rows } = await client.query<{ id: number }>('SELECT id FROM pitcrew.target WHERE name = $1', [name]);
        return rows[0]?.id ?? 0;
      }),
    async claim(targetId) {
      if (session.expects(targetId)) return true;
      try {
        const granted = await session.claim(targetId);
        if (granted) writer.giveUp(targetId);
        return granted;
      } catch (error) {
        throw storeError(error);
      }
    },
    async baseline(targetId, collector) {
      // What waits to be written leads to a later baseline.
      if (writer.isBehind(targetId)) await writer.flush();
      return onSession(session, (client) => readBaseline(client, targetId, storable(collector)));
    },
    knownStatements: (targetId) =>
      onSession(session, async (client) => {
        const { rows } = await client.query<{ database: string; user: string; queryId: string; toplevel: boolean }>(
          `
         SELECT database, username AS "user", query_id AS "queryId", toplevel
         FROM   pitcrew.statement
         WHERE  target_id = $1 AND text IS NOT NULL`,
          [targetId],
        );
        return new Set(rows.map(statementKeyText));
      }),
    listedRelations: (targetId) =>
      onSession(session, async (client) => {
        const { rows } = await client.query<NamedRelation>(
          `
         SELECT family, schema, name
         FROM   pitcrew.relation
         WHERE  target_id = $1 AND dropped_at IS NULL`,
          [targetId],
        );
        return rows;
      }),
    append: (batch) => writer.append(batch),
    report: (received) => reports.append(received),
    askCaches: (ask) => askCaches(createReader(pool), ask),
    keepPlan: (seen) => keepPlan(pool, seen),
    judgePlanChange: (judgement) => judgePlanChange(pool, judgement),
    pendingCacheCommands: (process) => pendingCommands(createReader(pool), process),
    async flush() {
      await Promise.all([writer.flush(), reports.flush()]);
    },
    status() {
      const { waiting, lost } = reports.status;
      const { waitingBatches, lostBatches, ...status } = writer.status();
      return {
        ...status,
        waitingBatches: waitingBatches + waiting,
        lostBatches: lostBatches + lost,
        bytes: upkeep.bytes,
      };
    },
    async close() {
      const finished = await Promise.allSettled([finish(writer), within(closeTimeoutMs, reports.flush())]);
      for (const each of finished) {
        if (each.status === 'rejected')
          logger?.warn({ reason: messageOf(each.reason) }, 'the last samples could not be stored');
      }
      writer.close();
      const idle = Promise.all([upkeep.stop(), reports.close()]);
      const ended = Promise.allSettled([session.close(), idle.then(() => pool.end())]);
      await within(closeTimeoutMs, ended).catch(() => undefined);
    },
  };
}

async function onSession<Result>(
  session: WriterSession,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  try {
    return await session.use(work);
  } catch (error) {
    throw storeError(error);
  }
}

/** Writes what waits, but not for ever. */
async function finish(writer: Writer): Promise<void> {
  if (writer.status().waitingBatches > 0) await within(closeTimeoutMs, writer.flush());
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('the store did not answer in time')), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
