import { expect, test } from 'vitest';
import { DAY_MS, shopTime } from './day.ts';

const atHour = (hour: number): ReturnType<typeof shopTime> => shopTime((((hour - 8 + 24) % 24) / 24) * DAY_MS);

test('a day begins at eight, is busiest in the evening and quiet at night', () => {
  expect(shopTime(0).hour).toBe(8);
  expect(shopTime(DAY_MS).hour).toBe(8);
  const loads = Array.from({ length: 24 }, (_, hour) => (atHour(hour).flashSale ? 0 : atHour(hour).load));
  expect(loads.indexOf(Math.max(...loads))).toBe(20);
  expect(atHour(4).load).toBeLessThan(atHour(20).load / 3);
  expect(atHour(11).load).toBeGreaterThan(atHour(15.5).load);
});

test('the sale, the bad release and the reports have their hours', () => {
  const hours = Array.from({ length: 96 }, (_, quarter) => quarter / 4);
  expect(hours.filter((hour) => atHour(hour).flashSale)).toEqual([12, 12.25, 12.5, 12.75, 13, 13.25]);
  expect(hours.filter((hour) => atHour(hour).badRelease)).toEqual([15.5, 15.75, 16]);
  expect(hours.filter((hour) => atHour(hour).reports)).toEqual([2, 2.25, 2.5, 2.75, 3, 3.25]);
  expect(atHour(12.5).load).toBeGreaterThan(1.4);
});
