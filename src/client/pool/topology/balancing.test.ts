import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BalancedHost, type BalancingName, balancingPolicies } from './balancing.ts';

/** Chance that repeats itself (mulberry32), so that what is said of many choices is said of the same ones each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const host = (name: string, latencyMs: number | undefined, busy = 0, healthy = true): BalancedHost => ({
  name,
  latencyMs,
  busy,
  healthy,
});

/** How often each host is chosen. */
function choices(policy: BalancingName, hosts: readonly BalancedHost[], times: number): Record<string, number> {
  const chosen: Record<string, number> = Object.fromEntries(hosts.map(({ name }) => [name, 0]));
  const random = seeded(times);
  for (let turn = 0; turn < times; turn += 1) {
    const name = balancingPolicies[policy](hosts, { turn, random })?.name ?? 'none';
    chosen[name] = (chosen[name] ?? 0) + 1;
  }
  return chosen;
}

const names = Object.keys(balancingPolicies) as BalancingName[];

describe.each(names)('%s', (policy) => {
  test('never chooses an unhealthy host, and always a healthy one when there is one', () => {
    const anyHost = fc.record({
      name: fc.string(),
      healthy: fc.boolean(),
      busy: fc.nat(50),
      latencyMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
    });
    const chance = fc.record({
      turn: fc.nat(),
      dice: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 2, maxLength: 2 }),
    });
    const property = fc.property(fc.array(anyHost, { maxLength: 8 }), chance, (hosts, { turn, dice }) => {
      let throws = 0;
      const chosen = balancingPolicies[policy](hosts, { turn, random: () => dice[throws++ % 2] ?? 0 });
      if (hosts.some(({ healthy }) => healthy)) expect(chosen?.healthy).toBe(true);
      else expect(chosen).toBeUndefined();
    });
    fc.assert(property);
  });

  test('is fair among equals, however many are away', () => {
    const property = fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(3), (up, away) => {
      const equals = Array.from({ length: up }, (_, i) => host(`up${i}`, 2));
      const others = Array.from({ length: away }, (_, i) => host(`away${i}`, 2, 0, false));
      // The missing stand among the others.
      const hosts = [...equals.slice(0, 1), ...others, ...equals.slice(1)];
      const chosen = choices(policy, hosts, 3000);
      for (const { name } of equals) expect(chosen[name]).toBeGreaterThan((3000 / up) * 0.8);
      for (const { name } of equals) expect(chosen[name]).toBeLessThan((3000 / up) * 1.2 + 1);
    });
    fc.assert(property, { numRuns: 20 });
  });
});

test('each in its turn', () => {
  expect(choices('roundRobin', [host('a', 1), host('b', 99), host('c', 1, 0, false)], 10)).toEqual({
    a: 5,
    b: 5,
    c: 0,
  });
});

test('the least busy one', () => {
  expect(choices('leastBusy', [host('a', 1, 3), host('b', 9, 1), host('c', 1, 0, false), host('d', 1, 1)], 10)).toEqual(
    {
      a: 0,
      b: 5,
      c: 0,
      d: 5,
    },
  );
});

test('twice as fast, twice as often', () => {
  const { fast = 0, slow = 1 } = choices('latencyWeighted', [host('fast', 1), host('slow', 2)], 6000);
  expect(fast / slow).toBeGreaterThan(1.8);
  expect(fast / slow).toBeLessThan(2.2);
});

test('of two, the one that will answer first: a far one is used when the near ones are busy', () => {
  const near = choices('powerOfTwoChoices', [host('near', 1), host('far', 10)], 100);
  expect(near).toEqual({ near: 100, far: 0 });
  const busy = choices('powerOfTwoChoices', [host('near', 1, 10), host('far', 10, 0)], 100);
  expect(busy).toEqual({ near: 0, far: 100 });
  // The slowest of three is never better than the one beside it.
  const three = choices('powerOfTwoChoices', [host('a', 1), host('b', 1), host('c', 5)], 3000);
  expect(three['c']).toBe(0);
});

test('what was not measured yet counts as the fastest', () => {
  expect(choices('powerOfTwoChoices', [host('new', undefined, 0), host('old', 3, 1)], 10)).toEqual({ new: 10, old: 0 });
});
