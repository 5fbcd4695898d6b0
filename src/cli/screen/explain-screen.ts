import type { ExplainedPlan, PlanFinding } from '../../ops/advisor/index.ts';
import type { Explained, JudgedRewrite } from '../explain/explain-statement.ts';
import { paint } from '../output.ts';
import { formatCount, formatMs, formatRatio, wrapped } from './format.ts';
import { planLines } from './plan-screen.ts';

/** What `pitcrew explain` shows: the tree, what stands out in it, and how the statement would be written better. */
export function explainScreen(explained: Explained, plan: ExplainedPlan, width: number): string {
  const { findings, rewrites, generic, notRewritten } = explained;
  const sections = [
    [headLine(plan, generic), '', ...planLines(plan, findings, width)],
    findings.length === 0
      ? [`${paint('green', '✓')} Nothing in the plan stands out.`]
      : [paint('bold', 'Findings'), ...findings.flatMap((finding, index) => findingLines(finding, index + 1, width))],
    rewrites.length === 0
      ? notRewritten === null
        ? [`${paint('green', '✓')} Nothing in how it is written stands out.`]
        : [paint('dim', `How it is written was not looked at: ${notRewritten}.`)]
      : [paint('bold', 'The statement'), ...rewrites.flatMap((rewrite) => rewriteLines(rewrite, width))],
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

function headLine(plan: ExplainedPlan, generic: boolean): string {
  const { executed, executionMs, planningMs, root } = plan;
  const parts = [
    executed ? 'Run' : 'Planned, not run',
    ...(executionMs === undefined ? [] : [`took ${formatMs(executionMs)}`]),
    ...(planningMs === undefined ? [] : [`planning ${formatMs(planningMs)}`]),
    ...(root.totalCost === undefined ? [] : [`cost ${formatCount(Math.round(root.totalCost))}`]),
    ...(generic ? ['generic plan: without values of its parameters'] : []),
  ];
  return parts.join(paint('dim', ' · '));
}

const badge = (severity: 'info' | 'warning'): string =>
  severity === 'warning' ? paint('yellow', 'warning') : paint('dim', 'info');

function findingLines(
  { severity, node, share, message, advice }: PlanFinding,
  number: number,
  width: number,
): string[] {
  const where = share === null ? node : `${node}, ${formatRatio(share)}`;
  return [
    `  [${number}] ${badge(severity)}  ${paint('dim', where)}`,
    ...wrapped(message, width, '      '),
    ...(advice === null ? [] : wrapped(`→ ${advice}`, width, '      ')),
  ];
}

function rewriteLines(
  { severity, message, advice, rewritten, provided, cost }: JudgedRewrite,
  width: number,
): string[] {
  const lines = [
    `  ${badge(severity)}`,
    ...wrapped(message, width, '      '),
    ...wrapped(`→ ${advice}`, width, '      '),
  ];
  if (rewritten === null) return lines;
  const same = provided === null ? 'The same result:' : `The same result, provided that ${provided}:`;
  return [
    ...lines,
    ...wrapped(same, width, '      ', (line) => paint('dim', line)),
    ...rewritten
      .trim()
      .split('\n')
      .map((line) => `        ${paint('cyan', line)}`),
    ...(cost === null
      ? []
      : [`      cost ${formatCount(Math.round(cost.before))} → ${formatCount(Math.round(cost.after))}`]),
  ];
}
