import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { testFolder } from './folder.ts';

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export interface CommandOptions {
  cwd?: string;
  env?: Record<string, string>;
}

export interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs `pitcrew ARGS` to its end, in an empty folder and an environment that says next to nothing unless told otherwise. */
export async function pitcrew(args: string[], options: CommandOptions = {}): Promise<CommandResult> {
  return startPitcrew(args, options).ended;
}

export interface RunningCommand {
  child: ChildProcess;
  /** Resolves with the first match of a text on stdout or stderr; rejects when the command ends before. */
  saw(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<CommandResult>;
}

/** Starts `pitcrew ARGS`, for commands that run until they are stopped. */
export function startPitcrew(args: string[], options: CommandOptions = {}): RunningCommand {
  return startNode([main, ...args], options);
}

/** Starts `node ARGS` in the same way. */
export function startNode(args: string[], { cwd, env = {} }: CommandOptions = {}): RunningCommand {
  const { PATH, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(process.execPath, args, {
    cwd: cwd ?? testFolder(),
    env: { PATH, TMPDIR, NODE_COMPILE_CACHE, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const watcher of watchers) watcher();
    });
  }
  // What it wrote last may come after its exit.
  let closed = false;
  const ended = new Promise<CommandResult>((resolve) => {
    child.on('close', (code) => {
      closed = true;
      for (const watcher of watchers) watcher();
      resolve({ code, ...output });
    });
  });
  return {
    child,
    ended,
    saw: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output.stdout + output.stderr);
          if (match) resolve(match);
          else if (closed) reject(new Error(`ended before ${pattern}: ${output.stdout}${output.stderr}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
  };
}
