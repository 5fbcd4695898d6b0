import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A subject in a process of its own, so that its garbage and its compiled code are nobody else's. */
export interface Worker<Turn, Result> {
  run(turn: Turn): Promise<Result>;
  stop(): Promise<void>;
}

/**
 * @param file the worker's program, which is given the subject's name
 * @param profileTo folder for a CPU profile of the process, written when it stops
 */
export function startWorker<Turn extends object, Result>(
  file: string,
  subject: string,
  env: Record<string, string>,
  profileTo: string | undefined,
): Worker<Turn, Result> {
  const child = fork(file, [subject], {
    env: { ...process.env, ...env },
    execArgv: profileTo === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileTo}`],
  });
  return {
    run: (turn) => {
      child.send(turn);
      return answerOf(child, subject);
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

function answerOf<Result>(child: ChildProcess, subject: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`${subject} ended with exit code ${code}`));
    child.once('exit', gone);
    child.once('message', (result) => {
      child.off('exit', gone);
      resolve(result as Result);
    });
  });
}
