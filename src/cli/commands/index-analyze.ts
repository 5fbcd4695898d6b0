import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from 'commander';
import { messageOf, PitcrewError } from '../../errors.ts';
import type { IndexAdvice, OpenCheckContext, Workload } from '../../ops/advisor/index.ts';
import type { WhatIf } from '../../ops/whatif/index.ts';
import { parseBytes } from '../bytes.ts';
import { backendOption, loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { note, paint, print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { interruptible } from '../signals.ts';
import { sayAdviceProgress, sayTwinProgress } from '../what-if-progress.ts';

interface AnalyzeOptions {
  workload?: string;
  budget?: number;
  time: number;
  backend?: WhatIf['backend'];
  json?: boolean;
  quiet?: boolean;
}

export function indexCommand(): Command {
  const command = new Command('index').description('Indexes: which to make and which to drop.');
  return command.addCommand(analyzeCommand());
}

function analyzeCommand(): Command {
  const command = new Command('analyze').description(
    'Plan the workload under other indexes and advise the set that serves it best. Changes nothing. Exit code 1 when something is advised.',
  );
  return withCommonOptions(
    command,
    ({ path, flag }) => ['databases', 'dataDir'].includes(path[0] ?? '') || flag === 'store',
  )
    .option('--workload <file>', 'statements to serve, as SQL or JSON (default: those of pg_stat_statements)')
    .option('--budget <size>', 'what all new indexes together may take, such as 1GB (default: no bound)', parseBytes)
    .option('--time <seconds>', 'how long planning may take', parseSeconds, 300)
    .addOption(backendOption())
    .action(async () => {
      const options = command.opts<AnalyzeOptions>();
      const { config, ...loaded } = await loadSettings(command);
      const databases = requireDatabases({ config, ...loaded });
      await interruptible(async (signal) => {
        const answers: { name: string; workload: Workload; advice: IndexAdvice }[] = [];
        for (const [name, url] of databases) {
          const backend = options.backend ?? config.advisor.backend;
          const asked = { name, url, dataDir: config.dataDir, store: config.store.url, backend, options, signal };
          answers.push({ name, ...(await analyze(asked)) });
        }
        const { indexAdviceScreen } = await import('../screen/index-advice-screen.ts');
        if (options.json) printJson({ databases: answers.map(adviceDocument) });
        else
          print(
            answers.map(({ name, workload, advice }) => indexAdviceScreen(name, workload.source, advice)).join('\n\n'),
          );
        process.exitCode = answers.some(({ advice }) => advice.findings.length > 0) ? 1 : 0;
      });
    });
}

interface Asked {
  name: string;
  url: string;
  dataDir: string;
  /** A store whose daemon may have been told values that statements are called with. */
  store: string | undefined;
  backend: WhatIf['backend'];
  options: AnalyzeOptions;
  signal: AbortSignal;
}

/** Checks that want indexes dropped: what they find is held against the workload. */
const dropChecks = ['unused-index', 'duplicate-index', 'overlapping-index'];

async function analyze({
  name,
  url,
  dataDir,
  store,
  backend,
  options,
  signal,
}: Asked): Promise<{ workload: Workload; advice: IndexAdvice }> {
  const { loadParser } = await import('../../sql/index.ts');
  const { adviseIndexes, openCheckContext, openWhatIf, runChecks, selectIndexes } =
    await import('../../ops/advisor/index.ts');
  const { twinsFolder } = await import('../../ops/whatif/index.ts');
  await loadParser();
  const line = progressLine(options.quiet === true);
  const say = (text: string): void => line.show(`${paint('dim', name, process.stderr)} ${text}`);
  await using context = await openCheckContext({ url, name });
  const { connection, profile } = context;
  const workload =
    options.workload === undefined ? await countedWorkload(context, name, store) : await fileWorkload(options.workload);
  say(`${workload.statements.length} statements from ${workload.source}`);
  const results = await runChecks(context, { only: dropChecks });
  const drops = results.flatMap(({ answer }) => (answer.status === 'found' ? answer.findings : []));
  await using whatIf = await openWhatIf({
    backend,
    url,
    connection,
    profile,
    twins: twinsFolder(dataDir, name),
    workload,
    drops,
    onProgress: (progress) => say(sayTwinProgress(progress)),
    signal,
  });
  const advice = await adviseIndexes({
    connection,
    profile,
    whatIf,
    workload,
    drops,
    selectIndexes,
    limits: { planningSeconds: options.time },
    ...(options.budget === undefined ? {} : { budgetBytes: options.budget }),
    onProgress: (progress) => say(sayAdviceProgress(progress)),
    signal,
  });
  line.end(`${paint('dim', name, process.stderr)} ${advice.plans} plans in ${advice.seconds.toFixed(1)} s`);
  return { workload, advice };
}

async function fileWorkload(file: string): Promise<Workload> {
  const { workloadFromFile } = await import('../../ops/advisor/index.ts');
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new PitcrewError('E_USAGE', `the workload ${file} cannot be read`, {
      detail: cause instanceof Error ? cause.message : undefined,
      cause,
    });
  });
  return workloadFromFile(text);
}

/** What pg_stat_statements has counted, with the values that applications told the daemon, where there is a store to read them from. */
async function countedWorkload(
  { connection, profile }: OpenCheckContext,
  name: string,
  store: string | undefined,
): Promise<Workload> {
  const { withObservedValues, workloadFromStatements } = await import('../../ops/advisor/index.ts');
  const workload = await workloadFromStatements(connection, profile);
  if (store === undefined) return workload;
  const { openHistory } = await import('../../ops/store/index.ts');
  try {
    await using opened = await openHistory(store, name);
    const { history, targetId } = opened;
    return targetId === undefined ? workload : await withObservedValues(workload, history, { targetId });
  } catch (error) {
    note(`No values that applications told are known: ${messageOf(error)}`);
    return workload;
  }
}

function adviceDocument({ name, workload, advice }: { name: string; workload: Workload; advice: IndexAdvice }): object {
  return { database: name, workload: { source: workload.source, coverage: workload.coverage }, ...advice };
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 1 || seconds > 86_400)
    throw new InvalidArgumentError('Give seconds from 1 to 86400.');
  return seconds;
}
