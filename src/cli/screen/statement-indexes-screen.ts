import type { Helped, IndexProposal, StatementIndexes } from '../explain/statement-indexes.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, oneLine, wrapped } from './format.ts';

const shownGaps = 3;

/** What `pitcrew explain` says of indexes for its statement. */
export function indexesScreen({ statement, rewritten, gaps, isStandby }: StatementIndexes, width: number): string {
  const more = gaps.length - shownGaps;
  return [
    ...proposalLines(statement, width),
    ...(rewritten === null
      ? []
      : [
          ...wrapped(`Written better (${rewritten.rule}, above) it would cost less, with:`, width, '  '),
          ...proposedLines(rewritten.proposal, width),
        ]),
    ...(isStandby && statement.status === 'proposed' ? ['  The server is a standby: make them on its primary.'] : []),
    ...gaps
      .slice(0, shownGaps)
      .flatMap(({ subject, reason, fix }) =>
        wrapped(`Not considered: ${subject}: ${reason}${fix === null ? '' : ` (${fix})`}`, width, '  ', dim),
      ),
    ...(more > 0 ? [`  ${dim(`and ${more} more (--json names all)`)}`] : []),
  ].join('\n');
}

/** Said where nobody asked for indexes. */
export function notAsked(): string {
  return dim('No finding calls for an index; --indexes asks for them all the same.');
}

const dim = (text: string): string => paint('dim', text);

function proposalLines(proposal: IndexProposal, width: number): string[] {
  if (proposal.status === 'none') return [`${paint('green', '✓')} No further index would make it cheaper.`];
  if (proposal.status === 'unknown') {
    const { reason, fix } = proposal;
    const sentence = `Whether an index would help cannot be told: ${reason}${fix === null ? '' : ` (${fix})`}.`;
    return wrapped(sentence, width, '', dim);
  }
  return [
    paint('bold', 'Indexes'),
    ...proposedLines(proposal, width),
    ...wrapped(
      'What keeping them costs other statements is not weighed here: "pitcrew index analyze" chooses for the whole workload.',
      width,
      '  ',
      dim,
    ),
  ];
}

function proposedLines(
  { indexes, statements }: Extract<IndexProposal, { status: 'proposed' }>,
  width: number,
): string[] {
  return [
    ...indexes.flatMap(({ create, sizeBytes }) => [
      ...create.flatMap((text) => wrapped(`${text};`, width, '    ', (line) => paint('cyan', line))),
      `      ${dim(`about ${formatBytes(sizeBytes)}`)}`,
    ]),
    ...statements.flatMap((helped) => helpedLines(helped, width)),
  ];
}

function helpedLines({ text, cost, typicalValues, plan }: Helped, width: number): string[] {
  const what = text === null ? 'cost' : `${oneLine(text, width - 40)}: cost`;
  const values = typicalValues.length === 0 ? '' : ', with typical values of its parameters';
  const figures = `${what} ${figure(cost.before)} → ${figure(cost.after)}${values}`;
  return [
    ...wrapped(figures, width, '      '),
    ...(plan === null ? [] : [`      ${dim(oneLine(`plan: ${plan}`, width - 6))}`]),
  ];
}

const figure = (cost: number): string => formatCount(Math.round(cost));
