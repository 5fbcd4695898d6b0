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
  return afterWarmUp(await outputOfPgbench(pgbench, url, args));
}

/** What was done after the first report of progress. */
function afterWarmUp(output: string): number {
  const first = /progress: ([\d.]+) s, ([\d.]+) tps/.exec(output);
  const total = /number of transactions actually processed: (\d+)/.exec(output)?.[1];
  const tps = /tps = ([\d.]+) \(without initial connection time\)/.exec(output)?.[1];
  const failed = /number of failed transactions: (\d+)/.exec(output)?.[1] ?? '0';
  if (!first || total === undefined || tps === undefined || failed !== '0')
    throw new Error(`pgbench failed: ${output}`);
  const warm = { seconds: Number(first[1]), perSecond: Number(first[2]) };
  const seconds = Number(total) / Number(tps);
  return (Number(total) - warm.perSecond * warm.seconds) / (seconds - warm.seconds);
}
