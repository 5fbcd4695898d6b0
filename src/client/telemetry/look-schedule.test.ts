import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LookSchedule } from './look-schedule.ts';

test('every call is stood for by one look, whatever is looked at and postponed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ may: fc.boolean(), extra: fc.boolean() }), { minLength: 1, maxLength: 500 }),
      (calls) => {
        const schedule = new LookSchedule();
        let stoodFor = 0;
        for (const { may, extra } of calls) {
          if (schedule.due() && !extra && !may) schedule.postpone();
          else if (extra || may) stoodFor += schedule.looked(1);
        }
        schedule.due();
        expect(stoodFor + schedule.looked(1)).toBe(calls.length + 1);
      },
    ),
  );
});

test('frequent statements are looked at rarely, long ones always', () => {
  const looksIn = (calls: number, meanMs: number): number => {
    const schedule = new LookSchedule();
    let looks = 0;
    for (let call = 0; call < calls; call++) {
      if (!schedule.due()) continue;
      looks += 1;
      schedule.looked(meanMs);
    }
    return looks;
  };
  expect(looksIn(5, 0.1)).toBe(5);
  expect(looksIn(1_000_000, 0.1)).toBeLessThan(3000);
  expect(looksIn(1000, 20)).toBe(1000);
});
