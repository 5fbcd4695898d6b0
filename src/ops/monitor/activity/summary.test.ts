import { expect, test } from 'vitest';
import { seriesName } from '../latest.ts';
import type { Session } from '../types.ts';
import { ActivityWindow, summarize } from './summary.ts';

const now = new Date('2026-03-01T12:00:00Z');
const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

function session(change: Partial<Session>): Session {
  return {
    pid: 1,
    database: 'shop',
    user: 'app',
    application: 'web',
    client: null,
    backendType: 'client backend',
    state: 'active',
    waitType: null,
    waitEvent: null,
    queryId: null,
    query: '',
    backendStart: null,
    transactionStart: null,
    queryStart: null,
    stateChange: null,
    blockedBy: [],
    waitsFor: null,
    own: false,
    ...change,
  };
}

function values(window: ActivityWindow): Record<string, number> {
  return Object.fromEntries(window.take().map(({ name, labels, value }) => [seriesName(name, labels), value]));
}

test('our own sessions and background processes are listed but not counted', () => {
  const sessions = [
    session({}),
    session({ backendType: 'parallel worker', waitType: 'IO', waitEvent: 'DataFileRead' }),
    session({ own: true }),
    session({ backendType: 'autovacuum worker' }),
    session({ backendType: 'walwriter', state: null }),
    session({ state: 'idle', waitType: 'Client', waitEvent: 'ClientRead' }),
    session({ state: null }),
  ];
  const snapshot = summarize(now, sessions);
  expect(snapshot.sessions).toHaveLength(7);
  expect(snapshot.byState).toEqual({ active: 1, idle: 1, unknown: 1 });
  expect(snapshot.byWait).toEqual({ CPU: 1, IO: 1 });
});

test('a window gives means over all its samples, and the longest of ages', () => {
  const window = new ActivityWindow();
  const waiting = session({ waitType: 'Lock', waitEvent: 'transactionid', blockedBy: [7], transactionStart: ago(30) });
  const idle = session({ state: 'idle in transaction', transactionStart: ago(90), stateChange: ago(60) });
  window.add(summarize(now, [session({}), waiting]));
  window.add(summarize(now, [idle]));
  expect(values(window)).toEqual({
    'sessions.by_state{state="active"}': 1,
    'sessions.by_state{state="idle in transaction"}': 0.5,
    'sessions.active_by_wait{class="CPU"}': 0.5,
    'sessions.active_by_wait{class="Lock"}': 0.5,
    'sessions.waiting_on{class="Lock",event="transactionid"}': 0.5,
    'sessions.total': 1.5,
    'sessions.blocked': 0.5,
    'sessions.longest_transaction_seconds': 90,
    'sessions.longest_idle_in_transaction_seconds': 60,
  });
  expect(values(window)).toEqual({});
});

test('only the events with the most waiting are named', () => {
  const window = new ActivityWindow();
  const sessions = Array.from({ length: 30 }, (_, event) =>
    Array.from({ length: event + 1 }, () => session({ waitType: 'LWLock', waitEvent: `event ${event}` })),
  ).flat();
  window.add(summarize(now, sessions));
  const waits = Object.entries(values(window)).filter(([name]) => name.startsWith('sessions.waiting_on'));
  expect(waits).toHaveLength(21);
  expect(waits.reduce((sum, [, value]) => sum + value, 0)).toBe(sessions.length);
  expect(Object.fromEntries(waits)['sessions.waiting_on{class="LWLock",event="other"}']).toBe(55);
});

test('wait classes that were seen are told at 0 for an hour, CPU always', () => {
  const window = new ActivityWindow();
  const waits = (): Record<string, number> =>
    Object.fromEntries(
      window
        .take()
        .filter(({ name }) => name === 'sessions.active_by_wait')
        .map(({ labels, value }) => [labels?.['class'] ?? '', value]),
    );
  const idle = () => window.add(summarize(now, [session({ state: 'idle' })]));
  idle();
  expect(waits()).toEqual({ CPU: 0 });
  window.add(summarize(now, [session({ waitType: 'Lock', waitEvent: 'relation' })]));
  expect(waits()).toEqual({ CPU: 0, Lock: 1 });
  for (let windows = 1; windows < 360; windows += 1) {
    idle();
    expect(waits()).toEqual({ CPU: 0, Lock: 0 });
  }
  idle();
  expect(waits()).toEqual({ CPU: 0 });
});
