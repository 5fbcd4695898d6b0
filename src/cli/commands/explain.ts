import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';
import type { WhatIf } from '../../ops/whatif/index.ts';
import { confirm } from '../confirm.ts';
import { explainDocument } from '../explain/document.ts';
import { explainOnServer, explainPasted, type Explained } from '../explain/explain-statement.ts';
import { readInput } from '../explain/input.ts';
import { statementIndexes, type StatementIndexes } from '../explain/statement-indexes.ts';
import { backendOption, loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { print, printJson } from '../output.ts';
import { progressLine } from '../progress-line.ts';
import { oneLine } from '../screen/format.ts';
import { interruptible } from '../signals.ts';

interface ExplainOptions {
  file?: string;
  queryid?: string;
  analyze?: boolean;
  yes?: boolean;
  timeout: number;
  /** `undefined`: where a finding calls for one. */
  indexes?: boolean;
  backend?: WhatIf['backend'];
  json?: boolean;
  quiet?: boolean;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'Read a plan: what stands out in it, how the statement would be written better, and which indexes would help. Exit code 1 when there are warnings or indexes to make.',
    )
    .argument('[statement]', 'a statement, which is planned but not run, or a plan that EXPLAIN made; - for stdin')
    .option('--file <file>', 'a file with either; - for stdin')
    .option('--queryid <id>', 'a statement of pg_stat_statements');
  return withCommonOptions(command, ({ path }) => ['databases', 'dataDir'].includes(path[0] ?? ''))
    .option('--analyze', 'run the statement (a query only, in a read-only transaction) to see what it really takes')
    .addOption(
      new Option('--timeout <seconds>', 'with --analyze: when the server stops it')
        .argParser(parseTimeout)
        .default(30_000, '30'),
    )
    .option('--yes', 'run it without asking')
    .option('--indexes', 'say which indexes would help (default: where a finding calls for one)')
    .option('--no-indexes', 'never ask for indexes')
    .addOption(backendOption())
    .action(async (statement: string | undefined) => {
      const options = command.opts<ExplainOptions>();
      const { explained, server } = await explain(command, statement, options);
      const { callsForIndex, planOf } = await import('../../ops/advisor/index.ts');
      const plan = planOf(explained.plan);
      const asText = !options.json && plan !== undefined;
      if (asText) {
        const { explainScreen } = await import('../screen/explain-screen.ts');
        print(explainScreen(explained, plan, width()));
      }
      // What is known already is on the screen while a twin is made.
      const indexes =
        server && (options.indexes ?? callsForIndex(explained.findings))
          ? await indexesFor(explained, server, options.quiet === true)
          : null;
      if (indexes === undefined) return;
      if (!asText) printJson(await explainDocument(explained, indexes));
      else if (server) {
        const { indexesScreen, notAsked } = await import('../screen/statement-indexes-screen.ts');
        if (indexes) print(`\n${indexesScreen(indexes, width())}`);
        else if (options.indexes === undefined) print(`\n${notAsked()}`);
      }
      process.exitCode = isSomethingFound(explained, indexes) ? 1 : 0;
    });
}

const width = (): number => process.stdout.columns ?? 100;

/** Where the statement was planned. */
interface Server {
  name: string;
  url: string;
  dataDir: string;
  backend: WhatIf['backend'];
}

async function explain(
  command: Command,
  statement: string | undefined,
  options: ExplainOptions,
): Promise<{ explained: Explained; server: Server | null }> {
  const { file, queryid, analyze = false, yes = false, timeout } = options;
  const input = await readInput({ statement, file, queryid });
  const { looksLikePlan } = await import('../../ops/advisor/index.ts');
  if (input.text !== undefined && looksLikePlan(input.text)) {
    if (options.indexes) {
      throw new PitcrewError('E_USAGE', 'indexes cannot be asked for with a plan alone', {
        hint: 'Give the statement, and the database with --database.',
      });
    }
    return { explained: await explainPasted(input.text), server: null };
  }
  const loaded = await loadSettings(command);
  const [first] = requireDatabases(loaded);
  const { dataDir, advisor } = loaded.config;
  const [name, url] = first ?? ['', ''];
  const explained = await explainOnServer(input, {
    url,
    analyze,
    timeoutMs: timeout,
    consent: async (query) => yes || confirm(async () => `Run it on the database? ${oneLine(query, 200)}`),
  });
  return { explained, server: { name, url, dataDir, backend: options.backend ?? advisor.backend } };
}

/** `undefined` when it was interrupted. */
async function indexesFor(
  { query, rewrites }: Explained,
  { name, url, dataDir, backend }: Server,
  quiet: boolean,
): Promise<StatementIndexes | undefined> {
  const { twinsFolder } = await import('../../ops/whatif/index.ts');
  const line = progressLine(quiet);
  return interruptible(async (signal) => {
    const rewrite = rewrites.find(({ rewritten, provided }) => rewritten !== null && provided === null);
    const indexes = await statementIndexes({
      url,
      backend,
      twins: twinsFolder(dataDir, name),
      query: query ?? '',
      rewrite: rewrite && { rule: rewrite.rule, text: rewrite.rewritten ?? '' },
      say: (text) => line.show(text),
      signal,
    });
    line.end(`planned with other indexes in ${indexes.seconds.toFixed(1)} s`);
    return indexes;
  });
}

function isSomethingFound({ findings, rewrites }: Explained, indexes: StatementIndexes | null): boolean {
  const isWarned = [...findings, ...rewrites].some(({ severity }) => severity === 'warning');
  return isWarned || indexes?.statement.status === 'proposed' || (indexes?.rewritten ?? null) !== null;
}

function parseTimeout(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined || ms < 100 || ms > 3_600_000) throw new InvalidArgumentError('Give seconds from 0.1 to 3600.');
  return ms;
}
