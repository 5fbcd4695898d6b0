import { describe, expect, it } from 'vitest';
import { bytes, count, counted, duration, lately, listed, percent } from './index.ts';

describe('figures in words', () => {
  it.each([
    [count(0), '0'],
    [count(12_345), '12,345'],
    [count(1_600_000), '1.6 million'],
    [count(1_600_000_000), '1.6 billion'],
    [counted(1, 'table'), '1 table'],
    [counted(2, 'query', 'queries'), '2 queries'],
    [percent(0), '0 %'],
    [percent(0.0004), 'under 0.1 %'],
    [percent(0.014), '1.4 %'],
    [percent(0.384), '38 %'],
    [percent(0.9999), '99.9 %'],
    [percent(1), '100 %'],
    [bytes(0), '0 bytes'],
    [bytes(1536), '1.5 kB'],
    [bytes(64 * 1024 ** 3), '64 GB'],
    [duration(0.000_01), 'under 0.1 ms'],
    [duration(0.0004), '0.4 ms'],
    [duration(0.25), '250 ms'],
    [duration(4.25), '4.3 s'],
    [duration(119), '119 s'],
    [duration(7199), '119 min'],
    [duration(9000), '2 h 30 min'],
    [duration(200_000), '2 days'],
    [listed(['a']), 'a'],
    [listed(['a', 'b', 'c']), 'a, b and c'],
    [listed(['a', 'b', 'c', 'd', 'e']), 'a, b, c and 2 more'],
    [lately(40), 'in the last 40 seconds'],
    [lately(290), 'in the last 5 minutes'],
    [lately(3590), 'in the last hour'],
  ])('%s', (said, expected) => {
    expect(said).toBe(expected);
  });
});
