import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../../config/index.ts';
import { confirm } from '../confirm.ts';
import { explainOnServer, explainPasted, type Explained } from '../explain/explain-statement.ts';
import { readInput } from '../explain/input.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { print, printJson } from '../output.ts';
import { oneLine } from '../screen/format.ts';

interface ExplainOptions {
  file?: string;
  queryid?: string;
  analyze?: boolean;
  yes?: boolean;
  timeout: number;
  json?: boolean;
}

export function explainCommand(): Command {
  const command = new Command('explain')
    .description(
      'Read a plan: what stands out in it, and how the statement would be written better. Exit code 1 when there are warnings.',
    )
    .argument('[statement]', 'a statement, which is planned but not run, or a plan that EXPLAIN made; - for stdin')
    .option('--file <file>', 'a file with either; - for stdin')
    .option('--queryid <id>', 'a statement of pg_stat_statements');
  return withCommonOptions(command, ({ path }) => path[0] === 'databases')
    .option('--analyze', 'run the statement (a query only, in a read-only transaction) to see what it really takes')
    .addOption(
      new Option('--timeout <seconds>', 'with --analyze: when the server stops it')
        .argParser(parseTimeout)
        .default(30_000, '30'),
    )
    .option('--yes', 'run it without asking')
    .action(async (statement: string | undefined) => {
      const options = command.opts<ExplainOptions>();
      const explained = await explain(command, statement, options);
      const { planOf } = await import('../../ops/advisor/index.ts');
      const plan = planOf(explained.plan);
      if (options.json || !plan) printJson(await documentOf(explained));
      else {
        const { explainScreen } = await import('../screen/explain-screen.ts');
        print(explainScreen(explained, plan, process.stdout.columns ?? 100));
      }
      const all = [...explained.findings, ...explained.rewrites];
      process.exitCode = all.some(({ severity }) => severity === 'warning') ? 1 : 0;
    });
}

async function explain(command: Command, statement: string | undefined, options: ExplainOptions): Promise<Explained> {
  const { file, queryid, analyze = false, yes = false, timeout } = options;
  const input = await readInput({ statement, file, queryid });
  const { looksLikePlan } = await import('../../ops/advisor/index.ts');
  if (input.text !== undefined && looksLikePlan(input.text)) return explainPasted(input.text);
  const [first] = requireDatabases(await loadSettings(command));
  return explainOnServer(input, {
    url: first?.[1] ?? '',
    analyze,
    timeoutMs: timeout,
    consent: async (query) => yes || confirm(async () => `Run it on the database? ${oneLine(query, 200)}`),
  });
}

async function documentOf(explained: Explained): Promise<Record<string, unknown>> {
  const { planOf } = await import('../../ops/advisor/index.ts');
  const plan = planOf(explained.plan);
  return {
    query: explained.query,
    generic: explained.generic,
    executed: plan?.executed ?? false,
    totalCost: plan?.root.totalCost ?? null,
    planningMs: plan?.planningMs ?? null,
    executionMs: plan?.executionMs ?? null,
    findings: explained.findings,
    rewrites: explained.rewrites,
    notRewritten: explained.notRewritten,
    nodes: plan?.nodes.map((node) => {
      const { ms, cost, share, buffers } = plan.own(node);
      const { id, label, rows, actual } = node;
      const parent = plan.parentOf(node)?.id ?? null;
      return {
        id,
        parent,
        label,
        rows: rows ?? null,
        actual: actual ?? null,
        own: { ms, cost, share, buffers: buffers ?? null },
      };
    }),
    plan: explained.plan,
  };
}

function parseTimeout(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined || ms < 100 || ms > 3_600_000) throw new InvalidArgumentError('Give seconds from 0.1 to 3600.');
  return ms;
}
