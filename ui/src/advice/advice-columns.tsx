import type { AdviceSummary } from '../../../src/server/api/advice.ts';
import { StatusBadge } from '../components/status.tsx';
import type { Column } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { ProgressBar } from './progress-bar.tsx';
import { gainOf, kindWord, severityTone, states } from './words.ts';

/** Columns by which the API sorts advice. */
export const adviceSorts = ['title', 'severity', 'kind', 'gain', 'risk', 'state', 'stateSince'] as const;

export const adviceColumns = (to: (path: string) => string): Column<AdviceSummary>[] => [
  {
    id: 'title',
    title: 'Advice',
    wide: true,
    cell: (row) => (
      <a class="clip" href={to(`/advice/${row.id}`)} title={row.title}>
        {row.title}
      </a>
    ),
  },
  {
    id: 'severity',
    title: 'Severity',
    bare: true,
    largestFirst: true,
    cell: (row) => <StatusBadge tone={severityTone[row.severity]} plain />,
  },
  {
    id: 'kind',
    title: 'What to do',
    priority: 'medium',
    inCards: true,
    bare: true,
    cell: (row) => <span class="nowrap">{kindWord(row.kind)}</span>,
  },
  {
    id: 'gain',
    title: 'Gain',
    hint: 'As measured, where it was; else as planned, by which it is sorted',
    numeric: true,
    cell: (row) => {
      const { of, note } = gainOf(row);
      return <Value of={of} title={note} />;
    },
  },
  {
    id: 'risk',
    title: 'Risk',
    priority: 'low',
    cell: (row) => row.risk ?? <span class="muted">–</span>,
  },
  {
    id: 'state',
    title: 'State',
    bare: true,
    cell: (row) =>
      row.progress ? (
        <ProgressBar progress={row.progress} />
      ) : (
        <StatusBadge tone={states[row.state].tone} plain>
          {states[row.state].word}
        </StatusBadge>
      ),
  },
  {
    id: 'stateSince',
    title: 'Since',
    priority: 'low',
    largestFirst: true,
    cell: (row) => <Time at={row.stateSince} relative />,
  },
];
