// `npm run bench -- NAME [--json | --markdown]` runs one benchmark and prints its rows and aims. Exit code 1: an aim was missed.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchResult, describeMachine, printResult } from './support/result.ts';

interface Benchmark {
  /** Runs it; progress goes to stderr. */
  run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>>;
  /** Answers by itself where its arguments ask for something else than the benchmark; the exit code, or `undefined` for others. */
  answer?(args: string[]): Promise<number | undefined>;
  /** The tables of docs/benchmarks.md, for `--markdown`. */
  markdown?(result: BenchResult): string;
}

const [name = '', ...args] = process.argv.slice(2);
const folder = join(import.meta.dirname, 'benchmarks');
const known = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''));
if (!/^[a-z-]+$/.test(name) || !existsSync(join(folder, `${name}.ts`))) {
  process.stderr.write(`Name a benchmark: ${known.join(', ')}\n`);
  process.exit(2);
}
const benchmark = (await import(join(folder, `${name}.ts`))) as Benchmark;
const answered = await benchmark.answer?.(args);
if (answered !== undefined) process.exit(answered);
const result: BenchResult = { name, machine: describeMachine(), ...(await benchmark.run(args)) };
if (args.includes('--markdown') && benchmark.markdown) process.stdout.write(`${benchmark.markdown(result)}\n`);
else printResult(result, args.includes('--json'));
process.exitCode = result.aims.every(({ met }) => met) ? 0 : 1;
