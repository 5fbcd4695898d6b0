import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { outputOfPgbench } from '../pgbench.ts';
import { accountCount, branchCount, type CaseName, slowEvery, statements } from './workload.ts';

export interface Floor {
  pgbench: string;
  url: string;
  /** Where the scripts are written. */
  folder: string;
  slow: string;
}

/** The same statements from a client in C, prepared: statements per second. The first second is warming up and does not count. */
export async function runFloor(
  { pgbench, url, folder, slow }: Floor,
  name: CaseName,
  clients: number,
  measureSeconds: number,
): Promise<number> {
  const file = (script: string, text: string): string => {
    const path = join(folder, `${script}.sql`);
    writeFileSync(path, text);
    return path;
  };
  const point = `\\set id random(1, ${accountCount})\n${statements.point.replace('$1', ':id')};\n`;
  const own = Math.floor(accountCount / clients);
  const scripts: Record<CaseName, string[]> = {
    point: ['-f', file('point', point)],
    update: [
      '-f',
      file(
        'update',
        `\\set id 1 + :client_id + ${clients} * random(0, ${own - 1})\n${statements.update.replace('$1', ':id')};\n`,
      ),
    ],
    ten: ['-f', file('ten', `\\set branch random(1, ${branchCount})\n${statements.ten.replace('$1', ':branch')};\n`)],
    mixed: ['-f', `${file('point', point)}@${slowEvery - 1}`, '-f', `${file('slow', `${slow.trim()};\n`)}@1`],
  };
  const seconds = 1 + measureSeconds;
  const threads = Math.min(2, clients);
  const steady = ['-n', '-M', 'prepared', '-P', '1', '-T', String(seconds)];
  const args = [...steady, '-c', String(clients), '-j', String(threads), ...scripts[name]];
  // The last report is due when the time is over, and may be left out.
  for (let tries = 0; tries < 5; tries++) {
    const measured = afterWarmUp(await outputOfPgbench(pgbench, url, args));
    if (measured !== undefined) return measured;
  }
  throw new Error('pgbench reported no progress after the first second');
}

/**
 * The mean of pgbench's own reports of progress but the first, in which it connects and prepares. Its total cannot be used for
 * that: the time that it is said to have taken leaves connecting out, which the first report does not.
 */
function afterWarmUp(output: string): number | undefined {
  if (/number of failed transactions: [1-9]/.test(output)) throw new Error(`pgbench failed: ${output}`);
  const reports = [...output.matchAll(/progress: [\d.]+ s, ([\d.]+) tps/g)].slice(1).map(([, tps]) => Number(tps));
  return reports.length === 0 ? undefined : reports.reduce((sum, tps) => sum + tps, 0) / reports.length;
}
