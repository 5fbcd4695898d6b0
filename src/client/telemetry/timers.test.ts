import { expect, test } from 'vitest';
import { runInScope } from '../scope.ts';
import { createTelemetry } from './index.ts';

test('a timer ends once, by itself at the end of its block', () => {
  const telemetry = createTelemetry();
  {
    using timer = telemetry.startTimer('import');
    const took = timer.end();
    expect(timer.end()).toBe(took);
  }
  expect(telemetry.endTimer('import')).toBeUndefined();
  const { timers } = telemetry.snapshot();
  expect(timers).toMatchObject([{ name: 'import', count: 1 }]);
  // No percentile is beyond the longest.
  expect(timers[0]?.p99Ms).toBeLessThanOrEqual(timers[0]?.maxMs ?? 0);
});

test('requests at once do not end each other’s timers', async () => {
  const telemetry = createTelemetry();
  const turns: (() => void)[] = [];
  const request = (): Promise<number | undefined> =>
    runInScope('GET /', async () => {
      telemetry.startTimer('render');
      await new Promise<void>((resolve) => void turns.push(resolve));
      return telemetry.endTimer('render');
    });
  const both = [request(), request()];
  expect(telemetry.endTimer('render')).toBeUndefined();
  for (const turn of turns.toReversed()) turn();
  const [first, second] = await Promise.all(both);
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(0);
  expect(telemetry.snapshot().timers).toMatchObject([{ name: 'render', count: 2 }]);
});

test('of one name the last started ends first, and one started outside can be ended inside of a request', () => {
  const telemetry = createTelemetry();
  const outer = telemetry.startTimer('job');
  telemetry.startTimer('job');
  runInScope('GET /', () => expect(telemetry.endTimer('job')).toBeGreaterThanOrEqual(0));
  expect(outer.end()).toBeGreaterThan(0);
  expect(telemetry.snapshot().timers).toMatchObject([{ name: 'job', count: 2 }]);
});

test('timers that nobody ends, and names without end, are forgotten', () => {
  const telemetry = createTelemetry();
  for (let i = 0; i < 3000; i++) telemetry.startTimer('leak');
  let ended = 0;
  while (telemetry.endTimer('leak') !== undefined) ended += 1;
  expect(ended).toBe(1000);
  for (let i = 0; i < 300; i++) telemetry.startTimer(`timer ${i}`).end();
  const { timers } = telemetry.snapshot();
  expect(timers).toHaveLength(201);
  expect(timers.find(({ name }) => name === 'other')?.count).toBe(101);
});
