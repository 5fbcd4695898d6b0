import { existsSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { testFolder } from '../../../test/support/folder.ts';
import { dailyFile, type DailyFileOptions, fileName } from './daily-file.ts';

/** A file that is full after a line or two, and what it reported. */
function smallFile(dir: string, change: Partial<DailyFileOptions> = {}) {
  const reports: string[] = [];
  const report = (message: string) => reports.push(message);
  const file = dailyFile({ dir, channel: 'slow', keepDays: 3, size: '1K', retryMs: 0, report, ...change });
  return { file, reports };
}
const line = (text: string) => `${text.padEnd(700, '.')}\n`;
const today = (part?: number) => fileName('slow', new Date(), part);
const lines = (dir: string) =>
  readdirSync(dir)
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').trimEnd().split('\n'))
    .map((text) => text.replace(/\.+$/, ''))
    .filter(Boolean)
    .toSorted();

test('a full file is continued in the next one, also after a restart, and no line is lost', async () => {
  const dir = testFolder();
  const { file } = smallFile(dir);
  for (let number = 0; number < 5; number += 1) {
    file.write(line(`line ${number}`));
    // Each full file is left before the next line comes.
    await vi.waitFor(() => expect(lines(dir)).toContain(`line ${number}`), { timeout: 20_000 });
  }
  await file.close();
  const again = smallFile(dir).file;
  again.write(line('line 5'));
  await again.close();
  expect(readdirSync(dir)).toEqual(expect.arrayContaining([today(), today(2), today(3)]));
  expect(lines(dir)).toEqual([0, 1, 2, 3, 4, 5].map((number) => `line ${number}`));
});

test('the oldest files go when all together are too large, and the one that is written stays', async () => {
  const dir = testFolder();
  const yesterday = fileName('slow', new Date(Date.now() - 86_400_000));
  // A part whose number is free again is the newest, whatever its number.
  for (const [name, secondsAgo] of [
    [yesterday, 30],
    [today(2), 20],
    [today(3), 10],
  ] as const) {
    writeFileSync(join(dir, name), line('old'));
    utimesSync(join(dir, name), Date.now() / 1000, Date.now() / 1000 - secondsAgo);
  }
  const { file } = smallFile(dir, { keepBytes: 1500 });
  file.write(line('new'));
  await vi.waitFor(() => expect(readdirSync(dir).toSorted()).toEqual([today(), today(2), today(3)].toSorted()), {
    timeout: 20_000,
  });
  await file.close();
});

test('the turn of the interval begins anew without losing a line', async () => {
  const dir = testFolder();
  const { file, reports } = smallFile(dir, { interval: '1s', size: '1M' });
  file.write(line('before'));
  await vi.waitFor(() => expect(existsSync(join(dir, today()))).toBe(true), { timeout: 20_000 });
  // At midnight the name changes. Here the name stays, so that the file that was moved away shows which is written.
  renameSync(join(dir, today()), join(dir, 'moved'));
  await vi.waitFor(() => expect(existsSync(join(dir, today()))).toBe(true), { timeout: 20_000 });
  file.write(line('after'));
  await file.close();
  expect(lines(dir)).toEqual(['after', 'before']);
  expect(reports).toEqual([]);
});

test('a folder that goes away is told once, and written again when it can be', async () => {
  const dir = join(testFolder(), 'log');
  const { file, reports } = smallFile(dir);
  file.write(line('one'));
  await vi.waitFor(() => expect(lines(dir)).toEqual(['one']), { timeout: 20_000 });
  rmSync(dir, { recursive: true });
  writeFileSync(dir, 'a file in the place of the folder');
  await vi.waitFor(
    () => {
      file.write(line('lost'));
      expect(reports).toEqual([expect.stringContaining('the log of channel slow cannot be written')]);
    },
    { timeout: 20_000 },
  );
  file.write(line('lost'));
  rmSync(dir);
  await vi.waitFor(
    () => {
      file.write(line('two'));
      expect(existsSync(dir) ? lines(dir) : []).toContain('two');
    },
    { timeout: 20_000 },
  );
  expect(reports).toHaveLength(1);
  await file.close();
});
