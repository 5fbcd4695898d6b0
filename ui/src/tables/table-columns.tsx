import type { Tables } from '../../../src/server/api/relations.ts';
import { Icon } from '../components/icon.tsx';
import type { Column } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { byteChange, bytes, count, exact, percent } from '../format/quantity.ts';

type Table = Tables['tables'][number];

/** The API's sort keys that are columns here. */
export const tableSorts = [
  'name',
  'totalBytes',
  'growthBytes',
  'liveRows',
  'deadRatio',
  'seqScans',
  'seqRowsRead',
  'indexScans',
  'indexRatio',
  'hitRatio',
  'modifiedSinceAnalyze',
  'frozenXidAge',
] as const;

const number = (value: number) => <Value of={count(value)} title={exact(value)} />;

export function tableColumns(to: (path: string) => string): Column<Table>[] {
  return [
    {
      id: 'name',
      title: 'Table',
      cell: (row) => <TableName row={row} {...(row.id === null ? {} : { href: to(`/tables/${row.id}`) })} />,
    },
    {
      id: 'totalBytes',
      title: 'Size',
      hint: 'With indexes and TOAST',
      numeric: true,
      cell: (row) => <Value of={bytes(row.totalBytes)} title={sizes(row)} />,
    },
    {
      id: 'growthBytes',
      title: 'Growth',
      hint: 'Over the range',
      numeric: true,
      priority: 'medium',
      cell: (row) => <Value of={byteChange(row.growthBytes)} />,
    },
    { id: 'liveRows', title: 'Rows', numeric: true, cell: (row) => number(row.liveRows) },
    {
      id: 'deadRatio',
      title: 'Dead',
      hint: 'Share of dead rows',
      numeric: true,
      cell: (row) => <Value of={percent(row.deadRatio)} title={`${exact(row.deadRows)} dead rows`} />,
    },
    {
      id: 'seqScans',
      title: 'Seq scans',
      hint: 'Scans of the whole table in the range',
      numeric: true,
      priority: 'medium',
      cell: (row) => number(row.seqScans),
    },
    {
      id: 'seqRowsRead',
      title: 'Rows read by them',
      numeric: true,
      priority: 'low',
      cell: (row) => number(row.seqRowsRead),
    },
    {
      id: 'indexScans',
      title: 'Index scans',
      numeric: true,
      priority: 'medium',
      cell: (row) => number(row.indexScans),
    },
    {
      id: 'indexRatio',
      title: 'By index',
      hint: 'Share of scans that used an index',
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={percent(row.indexRatio)} />,
    },
    {
      id: 'hitRatio',
      title: 'Hits',
      hint: 'Share of blocks found in shared buffers',
      numeric: true,
      priority: 'low',
      cell: (row) => <Value of={percent(row.hitRatio)} />,
    },
    {
      id: 'vacuum',
      title: 'Vacuumed',
      sortable: false,
      priority: 'medium',
      cell: (row) => <Time at={row.lastVacuum} relative />,
    },
    {
      id: 'analyze',
      title: 'Analyzed',
      sortable: false,
      priority: 'low',
      cell: (row) => <Time at={row.lastAnalyze} relative />,
    },
    { id: 'remarks', title: 'Remarks', sortable: false, wide: true, cell: (row) => <Remarks remarks={row.remarks} /> },
  ];
}

const sizes = (row: Table) =>
  [
    `table ${bytes(row.heapBytes).value} ${bytes(row.heapBytes).unit}`,
    `indexes ${bytes(row.indexBytes).value} ${bytes(row.indexBytes).unit}`,
    `TOAST ${bytes(row.toastBytes).value} ${bytes(row.toastBytes).unit}`,
  ].join(', ');

function TableName({ row, href }: { row: Table; href?: string }) {
  const name = (
    <>
      {row.schema !== 'public' && <span class="muted">{row.schema}.</span>}
      {row.name}
    </>
  );
  return (
    <span class="table-name">
      {href === undefined ? (
        <span title={row.name}>{name}</span>
      ) : (
        <a href={href} title={row.name}>
          {name}
        </a>
      )}
      {row.kind !== 'table' && <span class="small muted">{row.kind}</span>}
    </span>
  );
}

export function Remarks({ remarks }: { remarks: readonly string[] }) {
  if (remarks.length === 0) return <span class="nothing muted">–</span>;
  return (
    <ul class="remarks">
      {remarks.map((remark) => (
        <li key={remark}>
          <Icon name="warning" size={13} />
          <span>{remark}</span>
        </li>
      ))}
    </ul>
  );
}
