import { note } from './output.ts';

/** Where nobody looks at a line that changes, what counts up is said at most this often. */
const calmMs = 5000;

/**
 * Progress on stderr: one line that changes at a terminal. Elsewhere a line for each new phase, and every few seconds one that says how
 * far it is: texts that differ only in their numbers are of one phase.
 */
export function progressLine(quiet: boolean): { show(text: string): void; end(text: string): void } {
  let last: string | undefined;
  let phase: string | undefined;
  let saidAt = -Infinity;
  const atTerminal = process.stderr.isTTY;
  const write = (text: string): void => {
    if (quiet || text === last) return;
    last = text;
    if (atTerminal) process.stderr.write(`\r\u001B[K${text}`);
    else note(text);
  };
  return {
    show(text) {
      const now = performance.now();
      const current = text.replaceAll(/\d+/g, '0');
      if (!atTerminal && current === phase && now - saidAt < calmMs) return;
      phase = current;
      saidAt = now;
      write(text);
    },
    end(text) {
      write(text);
      if (atTerminal && last !== undefined) process.stderr.write('\n');
    },
  };
}
