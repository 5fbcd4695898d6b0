import { Share } from '../components/share.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Value } from '../components/value.tsx';
import { count, digits, exact, milliseconds } from '../format/quantity.ts';
import type { PlanRow } from './plan-tree.ts';

interface PlanTableProps {
  rows: readonly PlanRow[];
  executed: boolean;
  /** Which findings, by their place in the list, are about a node. */
  marks: ReadonlyMap<number, readonly number[]>;
  totalCost: number | null;
}

/** A plan as a table of its tree: shares as bars, what was expected beside what came. */
export function PlanTable({ rows, executed, marks, totalCost }: PlanTableProps) {
  const isTimed = rows.some(({ figures }) => figures !== undefined && figures.ownMs !== null);
  return (
    <>
      <DataTable
        label="Plan as a tree"
        rowKey={({ id }) => id}
        rows={rows}
        columns={[
          { id: 'node', title: 'Node', wide: true, cell: (row) => <Node row={row} marks={marks.get(row.id) ?? []} /> },
          {
            id: 'share',
            title: isTimed ? 'Share of the time' : 'Share of the cost',
            numeric: true,
            cell: ({ figures }) => (figures?.share === null || !figures ? '–' : <Share of={figures.share} />),
          },
          ...(isTimed ? [ownTime] : [ownCost]),
          ...(executed ? [came, expectedOfLoop, loops] : [total, expected, width]),
        ]}
      />
      <p class="small muted plan-note">
        {isTimed
          ? 'Times are of the node alone, without those below it.'
          : `Costs are the planner’s units, not time.${totalCost === null ? '' : ` The whole plan: ${digits(totalCost)}.`}`}
      </p>
    </>
  );
}

const ownTime: Column<PlanRow> = {
  id: 'own',
  title: 'Own time',
  numeric: true,
  cell: ({ figures }) => <Value of={milliseconds(figures?.ownMs ?? null)} />,
};
const ownCost: Column<PlanRow> = {
  id: 'own',
  title: 'Own cost',
  numeric: true,
  priority: 'medium',
  cell: ({ figures }) => (figures?.ownCost === null || !figures ? '–' : digits(figures.ownCost)),
};
const total: Column<PlanRow> = {
  id: 'total',
  title: 'With children',
  numeric: true,
  priority: 'medium',
  cell: ({ totalCost }) => (totalCost === null ? '–' : digits(totalCost)),
};
const expected: Column<PlanRow> = {
  id: 'rows',
  title: 'Rows expected',
  numeric: true,
  cell: (row) => <Rows of={row.expected} />,
};
const expectedOfLoop: Column<PlanRow> = { ...expected, hint: 'Of one loop', priority: 'medium' };
const width: Column<PlanRow> = {
  id: 'width',
  title: 'Bytes a row',
  numeric: true,
  priority: 'low',
  cell: (row) => row.width ?? '–',
};
const came: Column<PlanRow> = { id: 'came', title: 'Rows', numeric: true, cell: (row) => <Came row={row} /> };
const loops: Column<PlanRow> = {
  id: 'loops',
  title: 'Loops',
  numeric: true,
  priority: 'low',
  cell: ({ figures }) => <Rows of={figures?.loops ?? null} />,
};

function Rows({ of }: { of: number | null }) {
  return <Value of={count(of)} {...(of === null ? {} : { title: exact(of) })} />;
}

/** Rows that came, and a mark where they were far from what was expected. */
function Came({ row: { figures } }: { row: PlanRow }) {
  if (!figures || figures.loops === 0) return <span class="muted">never run</span>;
  const { misestimate, rows } = figures;
  return (
    <span class="plan-came">
      {misestimate && (
        <span class="plan-wrong" title="Rows that came against rows that were expected">
          {misestimate.more ? '×' : '÷'}
          {count(misestimate.factor).value}
          {count(misestimate.factor).unit}
        </span>
      )}
      <Rows of={rows} />
    </span>
  );
}

function Node({ row, marks }: { row: PlanRow; marks: readonly number[] }) {
  return (
    <div
      class="plan-node"
      id={`plan-node-${row.id}`}
      style={{ paddingInlineStart: `${Math.min(row.depth, 12) * 18}px` }}
    >
      {row.depth > 0 && <span class="visually-hidden">Level {row.depth + 1}: </span>}
      <span class="plan-name">
        <strong>{row.node}</strong> {row.target}
        {marks.map((mark) => (
          <span key={mark} class="plan-mark" title={`Finding ${mark + 1}`}>
            {mark + 1}
          </span>
        ))}
      </span>
      {row.details.map(([name, text]) => (
        <span key={name} class="plan-detail" title={text}>
          {name}: <code>{text}</code>
        </span>
      ))}
    </div>
  );
}
