import { setTimeout as delay } from 'node:timers/promises';
import { parseSize } from '../../../../config/index.ts';
import { openPhysical, type PhysicalConnection } from '../../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError, toPitcrewError } from '../../../../errors.ts';
import type { Repository } from '../../repository/index.ts';
import { receiveWal, type Receiving } from '../../wal/receive.ts';
import { segmentPosition } from '../../wal/segments.ts';

export interface LogStreamStatus {
  /** `waiting`: until it is tried again. */
  state: 'connecting' | 'streaming' | 'waiting';
  since: Date;
  slot: string;
  /** Up to where all log is stored. */
  storedLsn: bigint | null;
  /** When the last of it was. */
  storedAt: Date | null;
  /** Log that is not stored yet; `null` while it is not known. */
  lagBytes: number | null;
  /** How long the oldest of it has not been. */
  lagMs: number | null;
  /** Why it is not streaming. */
  error: PitcrewError | null;
  /** Log that is missing, in words. */
  gap: string | null;
}

export interface LogStream {
  status(): LogStreamStatus;
  stop(): Promise<void>;
}

export interface LogStreamOptions {
  url: string;
  repository: Repository;
  slot: string;
  /** Told when its state has changed, and of each segment. */
  onChange(status: LogStreamStatus): void;
}

const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** Receives the log all the time, from where what is stored ends. */
export function streamLog({ url, repository, slot, onChange }: LogStreamOptions): LogStream {
  const stopping = new AbortController();
  let status: LogStreamStatus = {
    state: 'connecting',
    since: new Date(),
    slot,
    storedLsn: null,
    storedAt: null,
    lagBytes: null,
    lagMs: null,
    error: null,
    gap: null,
  };
  let receiving: Receiving | undefined;
  const set = (change: Partial<LogStreamStatus>): void => {
    const since = change.state !== undefined && change.state !== status.state ? new Date() : status.since;
    status = { ...status, ...change, since };
    onChange(status);
  };
  async function once(): Promise<void> {
    const connection = await openPhysical({ url });
    try {
      const { systemId, timeline, flushedLsn } = await connection.identify();
      await repository.claim(systemId);
      const segmentBytes = parseSize(await connection.show('wal_segment_size')) ?? 0;
      await requireSlot(connection, slot);
      const stored = await endOf(repository, timeline, segmentBytes);
      receiving = receiveWal({
        connection,
        repository,
        from: stored ?? flushedLsn,
        timeline,
        segmentBytes,
        slot,
        onSegment: (_, end) => set({ storedLsn: end, storedAt: new Date(), lagBytes: 0, lagMs: 0 }),
      });
      set({ state: 'streaming', error: null, storedLsn: receiving.storedLsn });
      await receiving.ended;
    } finally {
      receiving = undefined;
      connection.destroy();
    }
  }
  async function keepOn(): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!stopping.signal.aborted) {
      const began = Date.now();
      try {
        set({ state: 'connecting' });
        await once();
      } catch (error) {
        if (!stopping.signal.aborted) set({ state: 'waiting', error: toPitcrewError(error) });
      }
      if (Date.now() - began > longestPauseMs) pauseMs = firstPauseMs;
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
  const running = keepOn();
  return {
    status: () => status,
    async stop() {
      stopping.abort();
      await receiving?.stop();
      await running;
    },
  };
}

async function requireSlot(connection: PhysicalConnection, slot: string): Promise<void> {
  try {
    await connection.createSlot(slot, { temporary: false });
  } catch (error) {
    if (!(error instanceof PitcrewError && error.sqlState === '42710')) throw error;
  }
}

async function endOf(repository: Repository, timeline: number, segmentBytes: number): Promise<bigint | undefined> {
  let end: bigint | undefined;
  for await (const { name } of repository.wal()) {
    const at = segmentPosition(name, segmentBytes);
    if (at?.timeline === timeline) end = at.startLsn + BigInt(segmentBytes);
  }
  return end;
}
