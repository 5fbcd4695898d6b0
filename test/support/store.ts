import type { Batch, StatementDelta, Store } from '../../src/ops/store/index.ts';
import { openStore } from '../../src/ops/store/index.ts';
import { zeroIndex, zeroStatement, zeroTable } from '../../src/ops/store/families.ts';

const hour = 3_600_000;

/** The retention of the defaults. */
export const retention = { raw: 24 * hour, minute: 7 * 24 * hour, quarterHour: 90 * 24 * hour, hour: 730 * 24 * hour };

/** A store that closes when the scope ends (`await using`). */
export async function testStore(url: string): Promise<Store & AsyncDisposable> {
  const store = await openStore({ url, retention });
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}

export function statementDelta(queryId: string, counters: Partial<StatementDelta['counters']>): StatementDelta {
  return {
    key: { database: 'shop', user: 'app', queryId, toplevel: true },
    counters: { ...zeroStatement, ...counters },
  };
}

export function statementBatch(targetId: number, at: number, statements: StatementDelta[], seconds = 10): Batch {
  return { targetId, collector: 'statements', at: new Date(at), seconds, statements };
}

export function tableBatch(targetId: number, at: number, name: string, inserts: number, liveRows: number): Batch {
  const gauges = { liveRows, deadRows: 0, heapBytes: 8192, indexBytes: 0, toastBytes: 0 };
  return {
    targetId,
    collector: 'tables',
    at: new Date(at),
    seconds: 60,
    tables: [{ key: { schema: 'public', name }, counters: { ...zeroTable, inserts }, gauges }],
    indexes: [
      {
        key: { schema: 'public', name: `${name}_pkey`, parent: name },
        counters: { ...zeroIndex, scans: inserts },
        gauges: { bytes: 16_384 },
      },
    ],
  };
}

/** Numbers from a seed (mulberry32), so that a failing run can be repeated. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}
