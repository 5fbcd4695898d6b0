import type { AnalysedTable } from '../../../src/server/api/indexes.ts';
import { severityTone, states } from '../advice/words.ts';
import { Card } from '../components/card.tsx';
import { StatusBadge } from '../components/status.tsx';
import { type Column, DataTable } from '../components/table.tsx';
import { Time, Value } from '../components/value.tsx';
import { useUrl } from '../data/use-url.ts';
import { bytes, count, exact, percent, textOf } from '../format/quantity.ts';

type Index = AnalysedTable['indexes'][number];
type Problem = AnalysedTable['problems'][number];

/** Indexes of one table, those that exist and those that would help. */
export function TableIndexes({ table }: { table: AnalysedTable }) {
  const { to } = useUrl();
  const { schema, name, indexes, advised, problems } = table;
  const address = (id: number): string => to(`/advice/${id}`);
  return (
    <Card
      title={`${schema}.${name}`}
      note={textOf(bytes(table.bytes))}
      flush
      class="index-list"
      foot={
        advised.length + problems.length > 0 && (
          <div class="index-advised">
            {advised.map((each) => (
              <span key={each.id}>
                <StatusBadge tone={states[each.state].tone} plain>
                  Advised
                </StatusBadge>{' '}
                <a href={address(each.id)}>{each.title}</a>
                {each.workloadShare !== null && `, ${textOf(percent(each.workloadShare))} of the cost`}
                {each.bytes !== null && `, ${textOf(bytes(each.bytes))}`}
              </span>
            ))}
            {problems.map((each) => (
              <Problems key={each.id} problems={[each]} address={address} />
            ))}
          </div>
        )
      }
    >
      <DataTable
        label={`Indexes of ${schema}.${name}`}
        rows={indexes}
        rowKey={(index) => index.name}
        columns={columnsOf(address)}
      />
    </Card>
  );
}

function Problems({ problems, address }: { problems: readonly Problem[]; address: (id: number) => string }) {
  if (problems.length === 0) return <span class="muted">–</span>;
  return (
    <>
      {problems.map(({ id, severity, title, check }) => (
        <StatusBadge key={id} tone={severityTone[severity]} plain>
          <a href={address(id)} title={title}>
            {checkWord(check)}
          </a>
        </StatusBadge>
      ))}
    </>
  );
}

/** `duplicate-index` as “Duplicate index”. */
function checkWord(check: string): string {
  const words = check.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What it is there for beside being quick. */
function roleOf({ primary, unique, constraint, foreignKey, replicaIdentity, valid }: Index): string {
  return [
    primary ? 'Primary key' : unique ? 'Unique' : constraint === null ? undefined : 'Constraint',
    foreignKey === null ? undefined : `Foreign key ${foreignKey}`,
    replicaIdentity ? 'Replica identity' : undefined,
    valid ? undefined : 'Not valid',
  ]
    .filter((word) => word !== undefined)
    .join(', ');
}

const columnsOf = (address: (id: number) => string): Column<Index>[] => [
  {
    id: 'name',
    title: 'Index',
    wide: true,
    cell: ({ name, definition }) => (
      <span class="clip" title={definition}>
        {name}
      </span>
    ),
  },
  { id: 'method', title: 'Method', priority: 'low', cell: ({ method }) => method },
  {
    id: 'role',
    title: 'Role',
    priority: 'medium',
    inCards: true,
    cell: (index) => roleOf(index) || <span class="muted">–</span>,
  },
  { id: 'bytes', title: 'Size', numeric: true, cell: (index) => <Value of={bytes(index.bytes)} /> },
  {
    id: 'scans',
    title: 'Scans',
    hint: 'Since the server began to count',
    numeric: true,
    cell: ({ scans, partitioned }) =>
      partitioned ? <span class="muted">–</span> : <Value of={count(scans)} title={exact(scans)} />,
  },
  {
    id: 'lastScan',
    title: 'Last used',
    hint: 'Known from PostgreSQL 16 on',
    priority: 'low',
    cell: ({ lastScan }) => <Time at={lastScan} relative fallback="–" />,
  },
  {
    id: 'problems',
    title: 'Advice',
    cell: ({ problems }) => <Problems problems={problems} address={address} />,
  },
];
