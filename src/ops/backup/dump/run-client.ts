import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PitcrewError } from '../../../errors.ts';

/** So much of what a program says on stderr is kept: the end. */
const keptText = 4000;

export interface ClientRun {
  /** What it writes. Iterating throws when it fails, so that nothing half is taken for a whole. */
  output: AsyncIterable<Buffer>;
  /** What it said on stderr, once the output has ended. */
  messages(): string[];
}

/**
 * Runs a program of PostgreSQL's. It is ended when the iteration is left, or `signal` says so; when we are killed, it dies of having nobody to write to.
 * @throws {PitcrewError} while iterating: `E_QUERY` with what the program said, `E_ABORTED`
 */
export function runClient(
  path: string,
  args: readonly string[],
  { env, signal }: { env: Record<string, string>; signal?: AbortSignal | undefined },
): ClientRun {
  let said = '';
  async function* output(): AsyncGenerator<Buffer> {
    const child = spawn(path, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
    ended.catch(() => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-keptText);
    });
    const stop = (): void => void child.kill();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const piece of child.stdout) yield piece as Buffer;
      const [code, killedBy] = await ended;
      if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the dump was stopped');
      if (code !== 0) throw failed(said, code, killedBy);
    } finally {
      signal?.removeEventListener('abort', stop);
      child.kill();
    }
  }
  return { output: output(), messages: () => said.split('\n').filter((line) => line.trim() !== '') };
}

function failed(said: string, code: number | null, killedBy: NodeJS.Signals | null): PitcrewError {
  return new PitcrewError('E_QUERY', 'pg_dump failed', {
    detail: said.trim() || (killedBy === null ? `Its exit code is ${code}.` : `It was ended by ${killedBy}.`),
  });
}
