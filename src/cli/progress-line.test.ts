import { expect, test, vi } from 'vitest';
import { progressLine } from './progress-line.ts';

test('where stderr is no terminal, a line is for a phase, not for each step of it', () => {
  const lines: string[] = [];
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  vi.stubGlobal('performance', { now: () => 0 });
  const { isTTY } = process.stderr;
  process.stderr.isTTY = false;
  try {
    const line = progressLine(false);
    for (let done = 0; done <= 100; done += 1) line.show(`planning: ${done} of 100`);
    line.show('choosing');
    line.end('42 plans in 3 s');
  } finally {
    process.stderr.isTTY = isTTY;
    write.mockRestore();
    vi.unstubAllGlobals();
  }
  expect(lines).toEqual(['planning: 0 of 100\n', 'choosing\n', '42 plans in 3 s\n']);
});
