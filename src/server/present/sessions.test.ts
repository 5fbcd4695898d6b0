import { expect, test } from 'vitest';
import { plainSession } from '../../../test/support/plain-monitor.ts';
import type { Session } from '../../ops/monitor/index.ts';
import type { BlockingNode } from '../api/sessions.ts';
import { blockingForest, presentSession } from './sessions.ts';

const at = new Date('2026-03-01T12:00:10Z');
const forest = (sessions: Session[]) => blockingForest({ at, sessions, byState: {}, byWait: {} });
const waiting = (pid: number, ...blockedBy: number[]) => plainSession(pid, { blockedBy });

type Tree = [pid: number, ...Tree[]];
const tree = (node: BlockingNode): Tree => [node.session.pid, ...node.waiting.map(tree)];

test('who waits stands below who blocks', () => {
  const { blocked, roots } = forest([plainSession(1), waiting(2, 1), waiting(3, 2), waiting(4, 1), plainSession(9)]);
  expect(blocked).toBe(3);
  expect(roots.map(tree)).toEqual([[1, [2, [3]], [4]]]);
});

test('a queue in which each waits for all before stays a list', () => {
  const size = 200;
  const queue = Array.from({ length: size }, (_, index) =>
    waiting(index + 2, ...Array.from({ length: index + 1 }, (_none, before) => before + 1)),
  );
  const { blocked, roots } = forest([plainSession(1), ...queue]);
  expect(blocked).toBe(size);
  expect(roots).toHaveLength(1);
  expect(roots[0]?.waiting).toHaveLength(size);
});

test('a circle gets a root, and what hangs on it is there once', () => {
  const { roots } = forest([waiting(1, 3), waiting(2, 1), waiting(3, 2), waiting(4, 3)]);
  expect(roots.map(tree)).toEqual([[1, [2, [3, [4]]]]]);
  expect(forest([waiting(7, 7)]).roots.map(tree)).toEqual([[7]]);
});

test('a blocker that is not among the sessions is shown as such', () => {
  const { roots } = forest([waiting(2, 0), waiting(3, 77)]);
  expect(roots.map(({ session }) => [session.pid, session.backendType])).toEqual([
    [0, 'prepared transaction'],
    [77, 'unknown'],
  ]);
});

test('ages are counted up to the sample, never below zero', () => {
  const session = plainSession(1, { queryStart: new Date('2026-03-01T12:00:20Z'), transactionStart: null });
  expect(presentSession(session, at)).toMatchObject({ backendSeconds: 10, querySeconds: 0, transactionSeconds: null });
});
