import { describe, expect, it } from 'vitest';
import type { Session } from '../../../src/server/api/sessions.ts';
import { groupOf, matches, ordered } from './order.ts';

const session = (pid: number, change: Partial<Session> = {}): Session => ({
  pid,
  database: 'shop',
  user: 'app',
  application: 'web',
  client: '10.0.0.1',
  backendType: 'client backend',
  state: 'active',
  waitType: null,
  waitEvent: null,
  queryId: null,
  query: 'select 1',
  backendSeconds: 100,
  transactionSeconds: 1,
  querySeconds: 1,
  stateSeconds: 1,
  blockedBy: [],
  waitsFor: null,
  own: false,
  ...change,
});

describe('sessions', () => {
  it('come with what waits first, then the longest', () => {
    const list = [
      session(1, { state: 'idle', transactionSeconds: null }),
      session(2),
      session(3, { transactionSeconds: 50 }),
      session(4, { blockedBy: [3] }),
      session(5, { state: 'idle in transaction (aborted)' }),
      session(6, { backendType: 'autovacuum worker' }),
      session(7, { backendType: 'parallel worker' }),
    ];
    expect(ordered(list).map(({ pid }) => pid)).toEqual([4, 3, 2, 7, 5, 1, 6]);
    expect(ordered(list).map(groupOf)).toEqual([
      'blocked',
      'active',
      'active',
      'active',
      'in-transaction',
      'idle',
      'background',
    ]);
  });

  it('are found by every word of a search', () => {
    expect(matches(session(42), '42 WEB')).toBe(true);
    expect(matches(session(42), 'web other')).toBe(false);
    expect(matches(session(42), '')).toBe(true);
  });
});
