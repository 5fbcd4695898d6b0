import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TruthAnswer, TruthOrder, TruthReport, TruthSettings } from './messages.ts';

const program = fileURLToPath(new URL('./process.ts', import.meta.url));

interface Waiting {
  resolve: (answer: TruthAnswer) => void;
  reject: (error: Error) => void;
}

/** One process of the application, as its parent has it. */
export class Member {
  readonly settings: TruthSettings;
  /** What it said last. */
  report: TruthReport | undefined;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #numbers = 0;

  constructor(settings: TruthSettings) {
    this.settings = settings;
    this.#child = fork(program, { env: { ...process.env, TRUTH_SETTINGS: JSON.stringify(settings) } });
    this.#child.on('message', (message: { number: number; answer?: TruthAnswer; error?: string }) => {
      const waiting = this.#waiting.get(message.number);
      this.#waiting.delete(message.number);
      if (message.answer) {
        this.report = message.answer.report;
        waiting?.resolve(message.answer);
      } else waiting?.reject(new Error(message.error));
    });
    this.#child.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a process ended: ${signal ?? code}`));
      this.#waiting.clear();
    });
  }

  ask(order: TruthOrder): Promise<TruthAnswer> {
    const number = (this.#numbers += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
      this.#child.send({ number, order }, (error) => {
        if (!error) return;
        this.#waiting.delete(number);
        reject(error);
      });
    });
  }

  /** Holds it where it stands, until `thaw`. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  /** Lets it end in good order, loads and all. @returns its exit code */
  async end(): Promise<unknown> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    return (await gone)[0];
  }
}
