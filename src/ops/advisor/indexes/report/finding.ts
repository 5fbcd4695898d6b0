import { describe } from '../../../../sql/index.ts';
import { usualSizeError } from '../../../whatif/index.ts';
import type { Finding } from '../../types.ts';
import { keyText } from '../candidates/definition.ts';
import type { Candidate } from '../candidates/types.ts';
import type { AdvisedIndex } from '../types.ts';
import { createRemedy } from './remedy.ts';

/** The id under which advice on new indexes is kept. */
export const missingIndex = 'missing-index';

/** From this share of the workload on an index is urgent. */
const urgentShare = 0.05;
const shownStatements = 5;
const shownText = 300;

/** An advised index as a finding, with what speaks for it. */
export function findingOf(
  { table, reason }: Candidate,
  advised: Omit<AdvisedIndex, 'finding'>,
  taken: Set<string>,
): Finding {
  const {
    index,
    name,
    sizeBytes,
    statements,
    workloadShare,
    msPerHour,
    writeCostPerHour,
    lostHotPerHour,
    gainPerHour,
  } = advised;
  const definition = definitionOf(advised.index);
  const [first] = statements;
  return {
    check: missingIndex,
    key: `${missingIndex}:${index.schema}.${index.table} ${definition}`,
    severity: workloadShare >= urgentShare ? 'warning' : 'info',
    subject: { kind: 'table', schema: index.schema, name: index.table },
    title: `An index on ${index.table} ${definition} would spare ${percent(workloadShare)} of the workload’s cost`,
    explanation: [
      `It serves ${reason}.`,
      first
        ? `${statements.length === 1 ? 'One statement gains' : `${statements.length} statements gain`}; the one that gains most goes from a planned cost of ${round(first.costBefore)} to ${round(first.costAfter)}.`
        : '',
    ]
      .join(' ')
      .trim(),
    evidence: [
      { label: 'Size', value: sizeBytes, unit: 'bytes' },
      { label: 'Size may be off by', value: usualSizeError(index), unit: 'ratio' },
      { label: 'Share of the workload', value: workloadShare, unit: 'ratio' },
      ...(msPerHour === null ? [] : [{ label: 'Execution time per hour', value: msPerHour, unit: 'ms' } as const]),
      { label: 'Planned cost saved per hour', value: round(gainPerHour) },
      { label: 'Cost of writes per hour', value: round(writeCostPerHour) },
      ...(lostHotPerHour > 0
        ? [{ label: 'Of it for updates that can no longer be HOT', value: round(lostHotPerHour) }]
        : []),
      { label: 'Statements that gain', value: statements.length },
      ...statements.slice(0, shownStatements).map(({ text, costBefore, costAfter }) => ({
        label: shown(text),
        value: `${round(costBefore)} → ${round(costAfter)}`,
      })),
    ],
    gain: { workloadShare, ...(msPerHour === null ? {} : { msPerHour }) },
    remedy: createRemedy(index, name, table, sizeBytes, taken),
  };
}

/** `(customer_id, placed_at DESC) INCLUDE (status) WHERE …`, the method first where it is no B-tree. */
export function definitionOf({ method, keys, include, where }: AdvisedIndex['index']): string {
  return [
    ...(method === 'btree' ? [] : [method]),
    `(${keys.map(keyText).join(', ')})`,
    ...(include.length > 0 ? [`INCLUDE (${include.join(', ')})`] : []),
    ...(where === undefined ? [] : [`WHERE ${where}`]),
  ].join(' ');
}

/** Without the values in it: findings are kept, and shown to others. */
function shown(text: string): string {
  const { normalized } = describe(text);
  return normalized.length > shownText ? `${normalized.slice(0, shownText)}…` : normalized;
}

function percent(share: number): string {
  return `${share >= 0.1 ? Math.round(share * 100) : Math.round(share * 1000) / 10} %`;
}

function round(value: number): number {
  return value >= 100 ? Math.round(value) : Math.round(value * 100) / 100;
}
