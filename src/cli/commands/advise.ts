import { Command, InvalidArgumentError, Option } from 'commander';
import { PitcrewError } from '../../errors.ts';
import type { AdviceFilters } from '../advice/list-advice.ts';
import { confirm } from '../confirm.ts';
import { DaemonClient } from '../daemon-client.ts';
import { loadDaemonAddress, withDaemonOptions } from '../options.ts';
import { note, print, printJson } from '../output.ts';
import { interruptible } from '../signals.ts';

interface CommonOptions {
  json?: boolean;
  quiet?: boolean;
}

interface ChangeOptions extends CommonOptions {
  yes?: boolean;
  dryRun?: boolean;
  reason?: string;
}

interface ListOptions extends CommonOptions, AdviceFilters {
  limit: number;
}

export function adviseCommand(): Command {
  const command = new Command('advise').description(
    'Advice of "pitcrew serve": what could be better, applying it, measuring, and taking it back.',
  );
  for (const nested of [
    listCommand(),
    showCommand(),
    changeCommand(
      'apply',
      'Run its statements; what they bring is measured afterwards, and taken back when they do not help.',
    ),
    changeCommand('undo', 'Bring the former state back.'),
    decideCommand('dismiss', 'Say no to it; it comes up again when it becomes graver, or what it would bring doubles.'),
    decideCommand('reopen', 'Take up again what was dismissed or undone.'),
    runCommand(),
  ])
    command.addCommand(nested);
  return command;
}

async function clientOf(command: Command): Promise<DaemonClient> {
  return new DaemonClient(await loadDaemonAddress(command));
}

function parseId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give the number that "pitcrew advise list" shows.');
  return Number(text);
}

/** So much advice is listed. */
const usualLimit = 100;

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new InvalidArgumentError('Give a whole number from 1 to 99999.');
  return Number(text);
}

function listCommand(): Command {
  const command = new Command('list').description(
    'List advice, the gravest first. Exit code 1 when something is to be done.',
  );
  return withDaemonOptions(command)
    .option('--state <states>', 'only in these states, separated by commas, such as found,planned')
    .option('--kind <kind>', 'only what does this, such as create-index')
    .option('--check <id>', 'only of this check')
    .addOption(new Option('--severity <severity>', 'only of this severity').choices(['info', 'warning', 'critical']))
    .option('--search <text>', 'only with this in the title or in schema.table')
    .option('--limit <number>', 'at most so many', parseLimit, usualLimit)
    .action(async () => {
      const { json, limit, ...filters } = command.opts<ListOptions>();
      const client = await clientOf(command);
      await printList(client, filters, { json, limit });
    });
}

/** With the exit code that says whether something of it is to be done. */
async function printList(
  client: DaemonClient,
  { state, kind, check, severity, search }: Partial<AdviceFilters>,
  { json, limit }: { json: boolean | undefined; limit: number },
): Promise<void> {
  const { listAdvice, toDecide } = await import('../advice/list-advice.ts');
  const list = await listAdvice(client, { state, kind, check, severity, search }, limit);
  const { adviceScreen } = await import('../screen/advice-screen.ts');
  if (json) printJson(list);
  else print(adviceScreen(list));
  process.exitCode = toDecide(list, state) > 0 ? 1 : 0;
}

function showCommand(): Command {
  const command = new Command('show')
    .description('Show one piece of advice: evidence, statements, risk, what was measured, history.')
    .argument('<id>', 'its number', parseId);
  return withDaemonOptions(command).action(async (id: number) => {
    const client = await clientOf(command);
    await show(client, id, command.opts<CommonOptions>());
  });
}

async function show(client: DaemonClient, id: number, { json }: CommonOptions): Promise<void> {
  const { adviceDetail } = await import('../../server/api/advice.ts');
  const { adviceDetailScreen } = await import('../screen/advice-detail-screen.ts');
  const advice = await client.ask(adviceDetail, `/advice/${id}`);
  if (json) printJson(advice);
  else print(adviceDetailScreen(advice));
}

function changeCommand(action: 'apply' | 'undo', description: string): Command {
  const command = new Command(action).description(description).argument('<id>', 'its number', parseId);
  return withDaemonOptions(command)
    .option('--reason <text>', 'why: kept with it')
    .option('--dry-run', 'show what would be run, and what stands against it; run nothing')
    .option('--yes', 'do not ask, and go on although something could not be told')
    .action((id: number) => change(command, action, id));
}

async function change(command: Command, action: 'apply' | 'undo', id: number): Promise<void> {
  const options = command.opts<ChangeOptions>();
  const client = await clientOf(command);
  const { adviceDetail, preflight } = await import('../../server/api/advice.ts');
  const { preflightScreen } = await import('../screen/advice-detail-screen.ts');
  const advice = await client.ask(adviceDetail, `/advice/${id}`);
  const found = await client.ask(preflight, `/advice/${id}/preflight`, { query: { purpose: action } });
  if (options.dryRun) {
    if (options.json) printJson(found);
    else print(preflightScreen(advice, action, found));
    process.exitCode = found.refusals.length > 0 ? 4 : 0;
    return;
  }
  if (found.refusals.length > 0) {
    throw new PitcrewError('E_UNSAFE', 'it is not run now', { detail: found.refusals.join('\n') });
  }
  if (!options.quiet || !options.yes) note(preflightScreen(advice, action, found));
  const question = action === 'apply' ? 'Run these statements?' : 'Run these statements to undo it?';
  if (!options.yes && !(await confirm(async () => `\n${question}`))) {
    note('Nothing was run.');
    process.exitCode = 130;
    return;
  }
  await carryOut(client, id, action, options, found.doubts.length > 0);
}

/** Whoever was shown what could not be told, and said yes, goes on all the same. */
async function carryOut(
  client: DaemonClient,
  id: number,
  action: 'apply' | 'undo',
  { reason, quiet, json }: ChangeOptions,
  force: boolean,
): Promise<void> {
  const { followAdvice, isUnderWay } = await import('../advice/follow-advice.ts');
  await interruptible(async (signal) => {
    const advice = await followAdvice({ client, id, action, body: { reason, force }, signal, quiet: quiet ?? false });
    const last = advice.history.at(-1);
    if (json) printJson(advice);
    else if (!isUnderWay(advice)) print(`${advice.id}: ${advice.state}${last?.reason ? `: ${last.reason}` : ''}`);
    if (signal.aborted) note('Interrupted. It goes on: "pitcrew advise show" says how far it is.');
    const isDone = action === 'apply' ? advice.state !== 'failed' : advice.state === 'undone';
    process.exitCode = signal.aborted ? 130 : isDone ? 0 : 1;
  });
}

function decideCommand(action: 'dismiss' | 'reopen', description: string): Command {
  const command = new Command(action).description(description).argument('<id>', 'its number', parseId);
  return withDaemonOptions(command)
    .option('--reason <text>', 'why: kept with it')
    .action(async (id: number) => {
      const { reason, json } = command.opts<ChangeOptions>();
      const client = await clientOf(command);
      const { adviceSummary } = await import('../../server/api/advice.ts');
      const advice = await client.ask(adviceSummary, `/advice/${id}/${action}`, { body: { reason } });
      if (json) printJson(advice);
      else print(`${advice.id}: ${advice.state}`);
    });
}

function runCommand(): Command {
  const command = new Command('run').description(
    'Look for advice now, and list what is found. Exit code 1 when something is to be done.',
  );
  return withDaemonOptions(command)
    .addOption(
      new Option('--kind <kind>', 'ask all checks, or choose indexes for the whole workload')
        .choices(['checks', 'indexes'])
        .default('checks'),
    )
    .option('--no-wait', 'come back when it has begun')
    .action(async () => {
      const options = command.opts<CommonOptions & { kind: 'checks' | 'indexes'; wait: boolean }>();
      const { kind, json, quiet = false } = options;
      const client = await clientOf(command);
      const { beginRun, followRun } = await import('../advice/follow-run.ts');
      const status = await beginRun(client, kind);
      if (!options.wait) {
        if (json) printJson(status);
        else print(`It is ${status.running?.phase ?? 'done'}; "pitcrew advise list" shows what is found.`);
        return;
      }
      const ended = await interruptible((signal) => followRun({ client, kind, status, signal, quiet }));
      if (!ended) {
        note('Interrupted. It goes on: "pitcrew advise list" shows what is found.');
        return;
      }
      await printList(client, kind === 'indexes' ? { check: 'missing-index' } : {}, { json, limit: usualLimit });
    });
}
