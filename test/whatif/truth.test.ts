import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  analytical,
  banking,
  holdAgainstTruth,
  shop,
  startWorkloadServer,
  type Truth,
  type WorkloadServer,
} from '../support/workloads/index.ts';
import { twinOf } from '../support/whatif.ts';

/** What the twin promises holds at any size; `npm run bench -- twin` measures it on larger databases. */
describe.each([banking, analytical, shop])('the twin of $name', (workload) => {
  let source: WorkloadServer;
  let truth: Truth;
  beforeAll(async () => {
    source = await startWorkloadServer();
    await workload.make(source.server, workload.name, 0.01);
    const url = source.server.url(workload.name);
    await using made = await twinOf(url);
    const { twin } = made;
    expect(twin.gaps).toEqual([]);
    truth = await holdAgainstTruth(url, workload, twin);
  }, 120_000);
  afterAll(() => source?.[Symbol.asyncDispose]());

  test('costs are those of the database with the index built', () => {
    const errors = truth.plans.map(({ error }) => error).toSorted((a, b) => a - b);
    expect(errors.length).toBeGreaterThan(200);
    expect(errors[Math.floor(errors.length * 0.5)]).toBeLessThanOrEqual(0.02);
    expect(errors[Math.floor(errors.length * 0.95)]).toBeLessThanOrEqual(0.15);
    // Not only because the indexes do not matter.
    expect(truth.plans.filter(({ used }) => used).length).toBeGreaterThan(20);
    expect(truth.refused).toBe(0);
  });

  test('plans are the same', () => {
    const other = truth.plans.filter(({ sameShape }) => !sameShape);
    expect(other.length / truth.plans.length).toBeLessThanOrEqual(0.05);
  });

  test('indexes have the size that was foretold', () => {
    // Of small ones a page more or less is much.
    const counted = truth.sizes.filter(({ real }) => real >= 50 * 8192);
    expect(counted.length).toBeGreaterThan(2);
    expect(counted.filter(({ error }) => error > 0.15)).toEqual([]);
  });
});
