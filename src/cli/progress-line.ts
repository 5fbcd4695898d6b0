import { note } from './output.ts';

/** Progress on stderr: one line that changes at a terminal, a line for each change elsewhere. */
export function progressLine(quiet: boolean): { show(text: string): void; end(text: string): void } {
  let last: string | undefined;
  const atTerminal = process.stderr.isTTY;
  const write = (text: string): void => {
    if (quiet || text === last) return;
    last = text;
    if (atTerminal) process.stderr.write(`\r\u001B[K${text}`);
    else note(text);
  };
  return {
    show: write,
    end(text) {
      write(text);
      if (atTerminal && last !== undefined) process.stderr.write('\n');
    },
  };
}
