import type { AdviceDetail } from '../../../src/server/api/advice.ts';
import { Card } from '../components/card.tsx';
import { StatusBadge, type Tone } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { useUrl } from '../data/use-url.ts';
import { change, count, exact, milliseconds } from '../format/quantity.ts';
import { oneLine } from '../format/sql.ts';

type Measurement = NonNullable<AdviceDetail['measurement']>;
type Statement = Measurement['statements'][number];

const verdicts: Readonly<Record<Measurement['verdict'], { word: string; tone: Tone }>> = {
  unknown: { word: 'Not yet known', tone: 'unknown' },
  better: { word: 'Better', tone: 'ok' },
  same: { word: 'No gain', tone: 'warning' },
  worse: { word: 'Worse', tone: 'critical' },
};

/** What became of the statements that it concerns. */
export function Measured({ advice: { measurement } }: { advice: AdviceDetail }) {
  const { to } = useUrl();
  if (!measurement) return null;
  const { verdict, reason, statements } = measurement;
  return (
    <Card
      title="Measured"
      note={<StatusBadge tone={verdicts[verdict].tone}>{verdicts[verdict].word}</StatusBadge>}
      flush={statements.length > 0}
      foot={statements.length > 0 && reason}
    >
      {statements.length === 0 ? (
        <p>{reason}</p>
      ) : (
        <DataTable
          label="Statements before and after"
          rows={statements}
          rowKey={({ queryId }) => queryId}
          columns={measuredColumns(to)}
        />
      )}
    </Card>
  );
}

const roles = { planned: 'Planned to change', write: 'Write', other: 'Of the table' } as const;

const measuredColumns = (to: (path: string) => string): Column<Statement>[] => [
  {
    id: 'text',
    title: 'Statement',
    wide: true,
    cell: ({ ids, text }) => (
      <a class="clip mono" href={to(`/queries/${ids[0] ?? ''}`)} title={oneLine(text)}>
        {oneLine(text, 200)}
      </a>
    ),
  },
  { id: 'role', title: 'Why', priority: 'low', cell: ({ role }) => <span class="nowrap">{roles[role]}</span> },
  {
    id: 'before',
    title: 'Before',
    hint: 'Mean time of a call',
    numeric: true,
    cell: ({ before }) => <Value of={milliseconds(before?.meanMs)} title={callsOf(before)} />,
  },
  {
    id: 'after',
    title: 'After',
    hint: 'Mean time of a call',
    numeric: true,
    cell: ({ after }) => <Value of={milliseconds(after?.meanMs)} title={callsOf(after)} />,
  },
  {
    id: 'change',
    title: 'Change',
    numeric: true,
    cell: ({ before, after }) => (
      <Value of={change(before && after && before.meanMs > 0 ? after.meanMs / before.meanMs - 1 : null)} />
    ),
  },
  {
    id: 'calls',
    title: 'Calls after',
    numeric: true,
    priority: 'medium',
    cell: ({ after }) => <Value of={count(after?.calls ?? 0)} />,
  },
];

function callsOf(sample: Statement['before']): string {
  return sample === null ? 'Not called' : `${exact(sample.calls)} calls`;
}

type AffectedStatement = AdviceDetail['affected'][number];

const affectedColumns: Column<AffectedStatement>[] = [
  {
    id: 'text',
    title: 'Statement',
    wide: true,
    cell: ({ text }) => (
      <span class="clip mono" title={oneLine(text)}>
        {oneLine(text, 200)}
      </span>
    ),
  },
  {
    id: 'calls',
    title: 'Calls an hour',
    numeric: true,
    priority: 'medium',
    cell: ({ callsPerHour }) => <Value of={count(callsPerHour)} />,
  },
  {
    id: 'before',
    title: 'Cost before',
    hint: 'In the planner’s unit',
    numeric: true,
    cell: ({ costBefore }) => <Value of={count(costBefore)} title={exact(costBefore)} />,
  },
  {
    id: 'after',
    title: 'Cost after',
    numeric: true,
    cell: ({ costAfter }) => <Value of={count(costAfter)} title={exact(costAfter)} />,
  },
  {
    id: 'change',
    title: 'Change',
    numeric: true,
    cell: ({ costBefore, costAfter }) => <Value of={change(costBefore > 0 ? costAfter / costBefore - 1 : null)} />,
  },
];

/** Statements whose plans it changes, as planned beforehand. */
export function Affected({ affected }: Pick<AdviceDetail, 'affected'>) {
  if (affected.length === 0) return null;
  return (
    <Card title="Planned" note="Costs of one call" flush>
      <DataTable label="Planned costs" rows={affected} rowKey={({ id }) => id} columns={affectedColumns} />
    </Card>
  );
}
