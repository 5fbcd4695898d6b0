import { expect, test } from 'vitest';
import { Lag } from './lag.ts';

test('the stream is as late as the last question whose answer it has come to', () => {
  const lag = new Lag(1000);
  expect(lag.behind).toBe(false);
  lag.marked(100n, 1010);
  lag.marked(200n, 1020);
  lag.marked(200n, 1030);
  expect(lag.behind).toBe(true);
  expect(lag.ms(1050)).toBe(50);
  lag.reached(150n);
  expect(lag.ms(1050)).toBe(40);
  lag.reached(120n);
  lag.reached(200n);
  expect(lag.behind).toBe(false);
  expect(lag.ms(1050)).toBe(20);
  lag.marked(180n, 1060);
  expect(lag.ms(1060)).toBe(0);
});

test('of very many questions without an answer, it keeps the oldest', () => {
  const lag = new Lag(0);
  for (let at = 1; at < 5000; at++) lag.marked(BigInt(at), at);
  lag.reached(500n);
  expect(lag.ms(5000)).toBe(4500);
  lag.reached(5000n);
  expect(lag.behind).toBe(false);
  lag.marked(4999n, 5000);
  expect(lag.ms(5000)).toBe(0);
});
