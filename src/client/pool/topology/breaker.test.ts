import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';

test('leaves after failures in a row, returns after good answers in a row', () => {
  const breaker = new Breaker(2, 3);
  breaker.failed();
  breaker.succeeded();
  breaker.failed();
  expect(breaker.open).toBe(false);
  breaker.failed();
  expect(breaker).toMatchObject({ open: true, halfOpen: false, missing: 3 });
  breaker.succeeded();
  breaker.succeeded();
  expect(breaker).toMatchObject({ open: true, halfOpen: true, missing: 1 });
  // On the way back, one failure is enough.
  breaker.failed();
  expect(breaker).toMatchObject({ open: true, halfOpen: false, missing: 3 });
  for (let i = 0; i < 3; i += 1) breaker.succeeded();
  expect(breaker).toMatchObject({ open: false, missing: 0 });
});

test('a decisive failure is enough by itself', () => {
  const breaker = new Breaker(5, 1);
  breaker.failed(true);
  expect(breaker.open).toBe(true);
  breaker.reset();
  expect(breaker.open).toBe(false);
});
