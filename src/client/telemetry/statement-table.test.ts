import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTelemetry, type Telemetry } from './index.ts';
import { endStatement, statement } from '../../../test/support/outcomes.ts';

/** One thing that happens: a statement ends, or what was counted is taken. */
const step = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ id: fc.nat(12), ms: fc.double({ min: 0.01, max: 100, noNaN: true }), fails: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.constant('take' as const) },
);

/** Everything that was taken, added up by statement. */
function sums(taken: ReturnType<Telemetry['take']>['statements'][]) {
  const all = { calls: 0, errors: 0, rows: 0, totalMs: 0, bucketed: 0, maxMs: 0 };
  for (const { calls, errors, rows, totalMs, maxMs, buckets } of taken.flat()) {
    all.calls += calls;
    all.errors += errors;
    all.rows += rows;
    all.totalMs += totalMs;
    all.maxMs = Math.max(all.maxMs, maxMs);
    for (const count of buckets) all.bucketed += count;
  }
  return all;
}

test('what is taken bit by bit is what happened, also of statements that are crowded out', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const telemetry = createTelemetry({ maxStatements: 5 });
      const taken = [];
      for (const what of steps) {
        if (what === 'take') taken.push(telemetry.take().statements);
        else
          endStatement(telemetry, statement(what.id), {
            durationMs: what.ms,
            error: what.fails ? new Error('no') : undefined,
          });
      }
      taken.push(telemetry.take().statements);
      const happened = steps.filter((what) => what !== 'take');
      const expected = {
        calls: happened.length,
        errors: happened.filter(({ fails }) => fails).length,
        rows: happened.filter(({ fails }) => !fails).length,
        bucketed: happened.length,
        maxMs: Math.max(0, ...happened.map(({ ms }) => ms)),
      };
      expect(sums(taken)).toMatchObject(expected);
      expect(sums(taken).totalMs).toBeCloseTo(
        happened.reduce((sum, { ms }) => sum + ms, 0),
        6,
      );
      const { statements, crowdedOut } = telemetry.snapshot();
      expect(statements.reduce((sum, { calls }) => sum + calls, 0)).toBe(happened.length);
      expect(statements.length).toBeLessThanOrEqual(6);
      expect(
        statements.every(({ calls, callSites }) => callSites.reduce((sum, site) => sum + site.calls, 0) <= calls),
      ).toBe(true);
      const different = new Set(happened.map(({ id }) => id)).size;
      expect(crowdedOut).toBeGreaterThanOrEqual(different - 5);
    }),
  );
});

test('those used least make room', () => {
  const telemetry = createTelemetry({ maxStatements: 10 });
  for (let id = 0; id < 10; id++) for (let call = 0; call <= id; call++) endStatement(telemetry, statement(id));
  for (let id = 10; id < 13; id++) endStatement(telemetry, statement(id));
  const kept = telemetry.snapshot().statements.map(({ text }) => text);
  expect(kept).toContain(statement(9).normalized);
  expect(kept).toContain(statement(12).normalized);
  expect(kept).not.toContain(statement(0).normalized);
  expect(kept).toContain('other statements');
});

test('taking nothing gives nothing', () => {
  const telemetry = createTelemetry();
  endStatement(telemetry, statement(1));
  expect(telemetry.take().statements).toHaveLength(1);
  expect(telemetry.take().statements).toHaveLength(0);
  endStatement(telemetry, statement(1));
  expect(telemetry.take().statements).toMatchObject([{ calls: 1, rows: 1 }]);
});
