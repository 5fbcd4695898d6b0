import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { SubjectName } from './subjects.ts';
import type { Turn, TurnResult } from './workload.ts';

/** A subject in a process of its own, so that its garbage and its compiled code are nobody else's. */
export interface Worker {
  run(turn: Turn): Promise<TurnResult>;
  stop(): Promise<void>;
}

/** @param profileTo folder for a CPU profile of the process, written when it stops */
export function startWorker(subject: SubjectName, url: string, profileTo: string | undefined): Worker {
  const child = fork(join(import.meta.dirname, 'worker.ts'), [subject], {
    env: { ...process.env, DATABASE_URL: url },
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

function answerOf(child: ChildProcess, subject: SubjectName): Promise<TurnResult> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null): void => reject(new Error(`${subject} ended with exit code ${code}`));
    child.once('exit', gone);
    child.once('message', (result) => {
      child.off('exit', gone);
      resolve(result as TurnResult);
    });
  });
}
