import { expect, test } from 'vitest';
import { ratioOf, secondsLeftOf } from './progress.ts';

test('phases of building an index make up one course that never goes back', () => {
  const course = [
    ratioOf('initializing', null, null),
    ratioOf('waiting for writers before build', 0, 2),
    ratioOf('building index: scanning table', 0, 100),
    ratioOf('building index: scanning table', 50, 100),
    ratioOf('building index: sorting live tuples', null, null),
    ratioOf('building index: loading tuples in tree', 10, 20),
    ratioOf('waiting for writers before validation', null, null),
    ratioOf('index validation: scanning table', 100, 100),
    ratioOf('waiting for old snapshots', 0, 1),
    ratioOf('waiting for readers before dropping', 1, 1),
  ].map((ratio) => ratio ?? -1);
  expect(course).toEqual(course.toSorted((a, b) => a - b));
  expect(course[0]).toBe(0);
  expect(course.at(-1)).toBe(1);
  // More was done than there was thought to be: tables grow.
  expect(ratioOf('building index: scanning table', 300, 100)).toBe(ratioOf('building index: scanning table', 100, 100));
});

test('of other commands the share is that of the server, and unknown where it tells none', () => {
  expect(ratioOf('scanning heap', 25, 100)).toBe(0.25);
  expect(ratioOf('vacuuming indexes', null, null)).toBeNull();
  expect(ratioOf('scanning heap', 0, 0)).toBeNull();
});

test('the time left follows from the time so far, once that tells something', () => {
  expect(secondsLeftOf(0.25, 60_000)).toBe(180);
  expect(secondsLeftOf(0.04, 60_000)).toBeNull();
  expect(secondsLeftOf(1, 60_000)).toBeNull();
  expect(secondsLeftOf(null, 60_000)).toBeNull();
});
