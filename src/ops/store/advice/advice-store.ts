import type { Pool, PoolClient } from 'pg';
import { storeError } from '../failures.ts';
import { createReader } from '../history/reader.ts';
import { inTransaction } from '../transaction.ts';
import { changeState, listAdvice, readAdvice, readEvents, readKnown, setDocument } from './advice.ts';
import { readApplied } from './applied.ts';
import { beginChange, endChange, readChanges } from './change-log.ts';
import { readPage } from './page.ts';
import { beginRun, endRun, readLastRun } from './runs.ts';
import { saveChanges } from './save.ts';
import type { AdviceStore } from './types.ts';

/** The part of the store that is the advisor's. */
export function createAdviceStore(pool: Pool): AdviceStore {
  const reader = createReader(pool);
  return {
    list: (query) => listAdvice(reader, query),
    page: (query) => readPage(reader, query),
    known: (targetId) => readKnown(reader, targetId),
    get: (targetId, id) => readAdvice(reader, targetId, id),
    events: (id) => readEvents(reader, id),
    applied: (query) => readApplied(reader, query),
    save: (targetId, changes, run) => atOnce(pool, (client) => saveChanges(client, targetId, changes, run)),
    change: (transition) => atOnce(pool, (client) => changeState(client, transition)),
    setProgress: (id, progress) => setDocument(reader, 'progress', id, progress),
    setMeasurement: (id, measurement) => setDocument(reader, 'measurement', id, measurement),
    beginChange: (intent) => beginChange(reader, intent),
    endChange: (id, result) => endChange(reader, id, result),
    changes: (query) => readChanges(reader, query),
    beginRun: (run) => beginRun(reader, run),
    endRun: (id, result) => endRun(reader, id, result),
    lastRun: (query) => readLastRun(reader, query),
  };
}

/** Runs `work` in a transaction; whatever goes wrong is `E_STORE_UNAVAILABLE`. */
async function atOnce<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  let client: PoolClient | undefined;
  try {
    client = await pool.connect();
    const connected = client;
    const result = await inTransaction(connected, () => work(connected));
    connected.release();
    return result;
  } catch (error) {
    client?.release(true);
    throw storeError(error, 'what is known of advice cannot be written');
  }
}
