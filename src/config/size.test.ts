import { expect, test } from 'vitest';
import { formatSize, parseSize } from './size.ts';

test.each([
  ['0', 0],
  ['512', 512],
  ['8kB', 8192],
  ['8KiB', 8192],
  ['1.5 GB', 1_610_612_736],
  ['2TB', 2_199_023_255_552],
  [77, 77],
])('%j is %d bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['', 'many', '5PB', '-1', '1 gb', '1GB2', -1, Number.NaN])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});

test.each([0, 1, 1023, 8192, 1_073_741_824, 1_610_612_736])('%d bytes can be read as they are written', (bytes) => {
  expect(parseSize(formatSize(bytes))).toBe(bytes);
});
