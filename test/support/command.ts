import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runCommand } from '../../src/cli/program.ts';
import { testFolder } from './folder.ts';
import { commandPath } from './run-folder.ts';

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

/**
 * Runs `pitcrew ARGS` to its end in this process, one at a time: for what does not depend on having a process of its own, in a fraction of the time.
 * Its working directory is that of the tests.
 */
export async function command(args: string[], { env = {} }: Pick<CommandOptions, 'env'> = {}): Promise<CommandResult> {
  const { env: ownEnv, exitCode: ownCode } = process;
  const [, ownPath = ''] = process.argv;
  const { PATH, TMPDIR, NODE_COMPILE_CACHE } = ownEnv;
  const output = { stdout: '', stderr: '' };
  const writes = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = (text: string | Uint8Array) => {
      output[name] += String(text);
      return true;
    };
    return () => void (process[name].write = write);
  });
  process.env = { PATH, TMPDIR, NODE_COMPILE_CACHE, NO_COLOR: '1', ...env };
  process.argv[1] = commandPath(tmpdir());
  process.exitCode = undefined;
  try {
    const running = runCommand(args);
    // What it has told V8 at once, to be small, is not for the tests.
    for (const flag of ['--no-optimize-for-size', '--semi-space-growth-factor=2']) setFlagsFromString(flag);
    return { code: await running, ...output };
  } finally {
    process.argv[1] = ownPath;
    process.exitCode = ownCode;
    process.env = ownEnv;
    for (const restore of writes) restore();
  }
}

export interface RunningCommand {
  child: ChildProcess;
  /** Resolves with the first match of a text on stdout or stderr; rejects when the command ends before. */
  saw(pattern: RegExp): Promise<RegExpExecArray>;
  ended: Promise<CommandResult>;
}

/** Starts `pitcrew ARGS`, for commands that run until they are stopped. */
export function startPitcrew(args: string[], options: CommandOptions = {}): RunningCommand {
  return startNode([commandPath(tmpdir()), ...args], options);
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
  // Not when the process has: what it wrote last may still be on its way.
  let isClosed = false;
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
      for (const watcher of watchers) watcher();
    });
  }
  const ended = new Promise<CommandResult>((resolve) => {
    child.on('close', (code) => {
      isClosed = true;
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
          else if (isClosed) reject(new Error(`ended before ${pattern}: ${output.stdout}${output.stderr}`));
          else return;
          watchers.delete(look);
        };
        watchers.add(look);
        look();
      }),
  };
}
