import type { ExplainedPlan, PlanFinding, PlanNode } from '../../ops/advisor/index.ts';
import { paint } from '../output.ts';
import { formatCount, formatMs, formatRatio } from './format.ts';
import { renderTable } from './table.ts';

const barWidth = 8;
const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** A plan as a tree: what each node takes by itself, how many rows were expected and came, and the numbers of its findings. */
export function planLines(plan: ExplainedPlan, findings: readonly PlanFinding[], width: number): string[] {
  const isTimed = plan.nodes.some((node) => plan.own(node).ms !== null);
  const unit = isTimed ? 'time' : 'cost';
  const rows = plan.nodes.map((node) => {
    const own = plan.own(node);
    return [
      bar(own.share),
      formatRatio(own.share),
      isTimed ? formatMs(own.ms) : own.cost === null ? '–' : formatCount(own.cost),
      ...(plan.executed ? [formatCount(node.rows), actualRows(node), loopsOf(node)] : [formatCount(node.rows)]),
      `${branch(plan, node)}${node.subplanName === undefined ? '' : `${node.subplanName}: `}${node.label}${marks(node, findings)}`,
    ];
  });
  const right = (title: string) => ({ title, align: 'right' as const });
  const figures = plan.executed ? [right('expected'), right('rows'), right('loops')] : [right('rows')];
  const columns = [{ title: '' }, right('share'), right(unit), ...figures, { title: 'node' }];
  return renderTable(columns, rows).map((line, index) => fitted(line, index === 0, width));
}

function bar(share: number | null): string {
  const filled = Math.round((share ?? 0) * barWidth * 8);
  return `${'█'.repeat(Math.floor(filled / 8))}${eighths[filled % 8] ?? ''}`.padEnd(barWidth);
}

function actualRows({ actual }: PlanNode): string {
  if (!actual) return '–';
  return actual.loops === 0 ? 'never' : formatCount(Math.round(actual.rows * actual.loops));
}

function loopsOf({ actual }: PlanNode): string {
  return actual ? formatCount(actual.loops) : '–';
}

/** The lines that lead to a node. */
function branch(plan: ExplainedPlan, node: PlanNode): string {
  const parent = plan.parentOf(node);
  if (!parent) return '';
  const isLast = parent.children.at(-1) === node;
  let before = '';
  for (let each = parent, above = plan.parentOf(each); above; each = above, above = plan.parentOf(each)) {
    before = `${above.children.at(-1) === each ? '  ' : '│ '}${before}`;
  }
  return `${before}${isLast ? '└ ' : '├ '}`;
}

function marks(node: PlanNode, findings: readonly PlanFinding[]): string {
  const numbers = findings.flatMap(({ nodeId }, index) => (nodeId === node.id ? [index + 1] : []));
  return numbers.length === 0 ? '' : `  [${numbers.join('] [')}]`;
}

function fitted(line: string, isHead: boolean, width: number): string {
  const cut = line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
  return isHead ? paint('dim', cut) : cut.replace(/\[\d+\](?: \[\d+\])*$/, (found) => paint('yellow', found));
}
