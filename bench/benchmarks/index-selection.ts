import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { PitcrewError, toPitcrewError } from '../../src/errors.ts';
import { selectIndexes } from '../../src/ops/advisor/index.ts';
import { matrixOf, selectionCases } from '../support/selection/cases.ts';
import { readMatrixFile } from '../support/selection/matrix-file.ts';
import { Readings } from '../support/readings.ts';
import { atMost, type BenchResult, median } from '../support/result.ts';

/**
 * `index-selection FILE [--time-limit SECONDS]`: chooses for the matrix of a file and prints one JSON document per line for
 * each of its budgets. Without a file: matrices of our own.
 */
export async function answer(args: string[]): Promise<number | undefined> {
  try {
    const { file, timeLimitMs } = argumentsOf(args);
    if (file === undefined) return undefined;
    const { matrix, budgets } = readMatrixFile(await readText(file));
    for (const budget of budgets) {
      const selection = await selectIndexes({ ...matrix, budget: budget ?? Infinity }, { timeLimitMs });
      process.stdout.write(`${JSON.stringify({ budget, ...selection })}\n`);
    }
    return 0;
  } catch (thrown) {
    const { message, detail, hint, exitCode } = toPitcrewError(thrown);
    process.stderr.write(`${[message, detail, hint].filter(Boolean).join('\n')}\n`);
    return exitCode;
  }
}

function argumentsOf(args: string[]): { file: string | undefined; timeLimitMs: number } {
  const options = { 'time-limit': { type: 'string', default: '30' }, json: { type: 'boolean' } } as const;
  let parsed;
  try {
    parsed = parseArgs({ args, options: { ...options, markdown: { type: 'boolean' } }, allowPositionals: true });
  } catch (cause) {
    throw new PitcrewError('E_USAGE', cause instanceof Error ? cause.message : String(cause), { cause });
  }
  const seconds = Number(parsed.values['time-limit']);
  if (!(seconds > 0)) throw new PitcrewError('E_USAGE', '--time-limit takes seconds, more than 0');
  if (parsed.positionals.length > 1) throw new PitcrewError('E_USAGE', 'give one file');
  return { file: parsed.positionals[0], timeLimitMs: seconds * 1000 };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PitcrewError('E_USAGE', 'the file cannot be read', { detail, cause });
  }
}

/** How long it takes, and how far from the proven optimum it may be. */
export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { timeLimitMs } = argumentsOf(args);
  const readings = new Readings();
  const seconds: number[] = [];
  const gaps: number[] = [];
  for (const each of selectionCases) {
    const matrix = matrixOf(each);
    const size = matrix.indexes.reduce((sum, index) => sum + index.size, 0);
    for (const share of each.budgets) {
      const subject = share === Infinity ? 'no budget' : `budget ${share * 100} %`;
      const before = process.cpuUsage();
      const selection = await selectIndexes({ ...matrix, budget: share * size }, { timeLimitMs });
      const { user, system } = process.cpuUsage(before);
      process.stderr.write(`${each.name}, ${subject}: ${selection.seconds.toFixed(2)} s, gap ${selection.gap}\n`);
      readings.add(each.name, subject, 'time', 's', selection.seconds);
      readings.add(each.name, subject, 'CPU', 's', (user + system) / 1e6);
      readings.add(each.name, subject, 'gap', '%', selection.gap * 100);
      readings.add(each.name, subject, 'indexes', '', selection.selected.length);
      seconds.push(selection.seconds);
      if (each.shape.savings === 'planner') gaps.push(selection.gap * 100);
    }
  }
  // The package does not let its package.json be imported.
  const packageFile = join(dirname(createRequire(import.meta.url).resolve('highs')), '..', 'package.json');
  const { version } = JSON.parse(await readText(packageFile)) as { version: string };
  return {
    versions: { highs: version, node: process.versions.node },
    rows: readings.rows(),
    aims: [
      atMost('largest gap to the proven bound, %', 0.1, Math.max(...gaps)),
      atMost('longest time, s', 31, Math.max(...seconds)),
      atMost('usual time, s', 3, median(seconds)),
    ],
  };
}
