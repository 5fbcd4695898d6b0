import { createInterface } from 'node:readline/promises';
import { PitcrewError } from '../errors.ts';

/**
 * Asks at the terminal whether to go on; what is not a yes is a no. Where there is no question, there is nothing to agree to.
 * @throws {PitcrewError} `E_USAGE` where there is nobody to ask
 */
export async function confirm(question: () => Promise<string | undefined>): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new PitcrewError('E_USAGE', 'this asks first, and there is no terminal to ask at', { hint: 'Give --yes.' });
  }
  const text = await question();
  if (text === undefined) return true;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new AbortController();
  // Ctrl-C and the end of the input are no answer, and no yes.
  terminal.once('close', () => ended.abort());
  try {
    const answer = await terminal.question(`${text} [y/N] `, { signal: ended.signal });
    return /^y(es)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    terminal.close();
  }
}
