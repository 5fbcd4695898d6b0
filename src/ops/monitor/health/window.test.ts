import { describe, expect, it } from 'vitest';
import { createHealthWindow, type WindowBatch } from './index.ts';

const start = new Date('2026-03-01T12:00:00Z').getTime();
const at = (seconds: number): Date => new Date(start + seconds * 1000);
const deadlocks = (seconds: number, value: number, interval = 10): WindowBatch => ({
  at: at(seconds),
  seconds: interval,
  metrics: [{ name: 'database.deadlocks', kind: 'counter', value }],
});

describe('the health window', () => {
  it('sums counters over five minutes and an hour', () => {
    const window = createHealthWindow();
    for (let second = 10; second <= 7200; second += 10) window.add(deadlocks(second, 1));
    const { recent, hour } = window.view(at(7200));
    // Whole minutes: the one that has just begun and the four before it.
    expect(recent.get('database.deadlocks')).toEqual({ increase: 25, seconds: 250 });
    expect(hour.get('database.deadlocks')?.seconds).toBeLessThanOrEqual(3600);
    expect(hour.get('database.deadlocks')?.seconds).toBeGreaterThan(3480);
  });

  it('adds the labels of a counter, and its time once', () => {
    const window = createHealthWindow();
    const conflict = (reason: string): NonNullable<WindowBatch['metrics']>[number] => ({
      name: 'database.conflicts',
      kind: 'counter',
      value: 2,
      labels: { reason },
    });
    window.add({ at: at(0), seconds: 10, metrics: [conflict('lock'), conflict('snapshot')] });
    expect(window.view(at(1)).recent.get('database.conflicts')).toEqual({ increase: 4, seconds: 10 });
  });

  it('leaves out what the time of the daemon being away gathered, and the first look', () => {
    const window = createHealthWindow();
    window.add(deadlocks(0, 0, 0));
    window.add(deadlocks(1, 500, 28_800));
    expect(window.view(at(2)).hour.size).toBe(0);
  });

  it('gives the mean of gauges', () => {
    const window = createHealthWindow();
    for (const value of [0.2, 0.4, 0.6])
      window.add({
        at: at(value * 100),
        seconds: 0,
        metrics: [{ name: 'host.cpu_ratio', kind: 'gauge', value, labels: {} }],
      });
    expect(window.view(at(61)).gauges.get('host.cpu_ratio')).toEqual({ mean: expect.closeTo(0.4), samples: 3 });
    expect(window.view(at(3600)).gauges.size).toBe(0);
  });

  it('keeps the scans of large tables for 15 minutes', () => {
    const window = createHealthWindow();
    const scan = (name: string, liveRows: number): NonNullable<WindowBatch['tables']>[number] => ({
      key: { schema: 'public', name },
      counters: { seqScans: 1, indexScans: 2 },
      gauges: { liveRows },
    });
    window.add({ at: at(0), seconds: 60, tables: [scan('large', 10_000), scan('small', 9999)] });
    window.add({ at: at(60), seconds: 60, tables: [scan('large', 20_000)] });
    expect(window.view(at(61))).toMatchObject({
      largeTables: [{ schema: 'public', name: 'large', liveRows: 20_000, seqScans: 2, indexScans: 4 }],
      tableSeconds: 120,
    });
    expect(window.view(at(1000)).largeTables).toEqual([]);
  });

  it('misses a replica that was there for long, not a base backup', () => {
    const window = createHealthWindow();
    const seen = (seconds: number, ...replicas: string[]): void =>
      window.add({
        at: at(seconds),
        seconds: 10,
        metrics: [
          { name: 'replication.replicas', kind: 'gauge', value: replicas.length },
          ...replicas.map((replica) => ({
            name: 'replication.replay_lag_bytes',
            kind: 'gauge' as const,
            value: 0,
            labels: { replica },
          })),
        ],
      });
    seen(0, 'r1', 'r2', 'copy');
    seen(60, 'r1', 'r2');
    seen(400, 'r1', 'r2');
    expect(window.view(at(400)).lostReplicas).toEqual([]);
    seen(410, 'r1');
    expect(window.view(at(410)).lostReplicas).toEqual([{ name: 'r2', lastSeen: at(400) }]);
    seen(420, 'r1', 'r2');
    expect(window.view(at(420)).lostReplicas).toEqual([]);
    seen(430);
    expect(window.view(at(430 + 25 * 3600)).lostReplicas).toEqual([]);
    window.clear();
    expect(window.view(at(430)).lostReplicas).toEqual([]);
  });
});
