import { useState } from 'preact/hooks';
import type { AnalyzeAnswer } from '../../../src/server/api/queries.ts';
import { Card } from '../components/card.tsx';
import { CodeBlock } from '../components/code.tsx';
import { Icon } from '../components/icon.tsx';
import { Share } from '../components/share.tsx';
import { Empty, ErrorState, Loading } from '../components/states.tsx';
import { StatusBadge } from '../components/status.tsx';
import { DataTable } from '../components/table.tsx';
import { PanelTabs } from '../components/tabs.tsx';
import { Value } from '../components/value.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureFrom, request, type Failure } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';
import { count, digits, exact } from '../format/quantity.ts';
import { planRows, type PlanRow } from './plan-tree.ts';

type State =
  | { step: 'none' | 'asking' }
  | { step: 'failed'; failure: Failure }
  | { step: 'done'; answer: AnalyzeAnswer };

/** The plan of a statement, made when asked for; the statement is not run. */
export function Plan({ id }: { id: number }) {
  const { query } = useUrl();
  const [state, setState] = useState<State>({ step: 'none' });
  const ask = async () => {
    setState({ step: 'asking' });
    try {
      const answer = await request<AnalyzeAnswer>(databaseUrl('/queries/analyze', query), {
        method: 'POST',
        body: { id },
      });
      setState({ step: 'done', answer });
    } catch (thrown) {
      setState({ step: 'failed', failure: failureFrom(thrown) });
    }
  };
  const button = (
    <button type="button" class="button" disabled={state.step === 'asking'} onClick={() => void ask()}>
      <Icon name="queries" />
      {state.step === 'done' ? 'Explain again' : 'Explain'}
    </button>
  );
  return (
    <Card title="Plan" actions={button}>
      <div aria-live="polite">
        {state.step === 'none' && (
          <Empty title="The planner is asked when you want it">
            EXPLAIN plans the statement on the watched database without running it.
          </Empty>
        )}
        {state.step === 'asking' && <Loading lines={5} label="Planning" />}
        {state.step === 'failed' && <ErrorState failure={state.failure} retry={() => void ask()} />}
        {state.step === 'done' && <PlanAnswer answer={state.answer} />}
      </div>
    </Card>
  );
}

function PlanAnswer({ answer }: { answer: AnalyzeAnswer }) {
  const [tab, setTab] = useState('tree');
  const rows = planRows(answer.plan);
  return (
    <div class="stack">
      {answer.generic && (
        <p class="small">
          <StatusBadge tone="info">Generic plan</StatusBadge>{' '}
          <span class="muted">
            Planned without parameter values: with certain values the server may choose another.
          </span>
        </p>
      )}
      {answer.findings.length > 0 && (
        <ul class="findings" aria-label="Findings">
          {answer.findings.map((finding) => (
            <li key={finding.node + finding.message}>
              <StatusBadge tone={finding.severity} />
              <div>
                <p>
                  <strong>{finding.message}</strong>
                </p>
                <p class="muted">
                  {finding.node}
                  {finding.advice !== null && `. ${finding.advice}`}
                </p>
              </div>
            </li>
          ))}
        </ul>
      )}
      <PanelTabs
        label="Forms of the plan"
        current={tab}
        onChange={setTab}
        tabs={[
          { id: 'tree', title: 'Tree', content: () => <PlanTree rows={rows} totalCost={answer.totalCost} /> },
          { id: 'text', title: 'Text', content: () => <CodeBlock text={answer.text} label="Plan as text" /> },
        ]}
      />
    </div>
  );
}

function PlanTree({ rows, totalCost }: { rows: PlanRow[]; totalCost: number }) {
  const numbered = rows.map((row, index) => ({ ...row, index }));
  return (
    <>
      <DataTable
        label="Plan as a tree"
        rowKey={({ index }) => index}
        rows={numbered}
        columns={[
          { id: 'node', title: 'Node', wide: true, cell: (row) => <PlanNode row={row} /> },
          { id: 'share', title: 'Share of the cost', numeric: true, cell: (row) => <Share of={row.share} /> },
          { id: 'own', title: 'Own cost', numeric: true, priority: 'medium', cell: (row) => digits(row.ownCost) },
          {
            id: 'total',
            title: 'With children',
            numeric: true,
            priority: 'medium',
            cell: (row) => digits(row.totalCost),
          },
          {
            id: 'rows',
            title: 'Rows expected',
            numeric: true,
            cell: (row) => <Value of={count(row.rows)} {...(row.rows === null ? {} : { title: exact(row.rows) })} />,
          },
          { id: 'width', title: 'Bytes a row', numeric: true, priority: 'low', cell: (row) => row.width ?? '–' },
        ]}
      />
      <p class="small muted plan-note">Costs are the planner’s units, not time. The whole plan: {digits(totalCost)}.</p>
    </>
  );
}

function PlanNode({ row }: { row: PlanRow }) {
  return (
    <div class="plan-node" style={{ paddingInlineStart: `${row.depth * 18}px` }}>
      {row.depth > 0 && <span class="visually-hidden">Level {row.depth + 1}: </span>}
      <span class="plan-name">
        <strong>{row.node}</strong> {row.target}
      </span>
      {row.details.map(([name, text]) => (
        <span key={name} class="plan-detail" title={text}>
          {name}: <code>{text}</code>
        </span>
      ))}
    </div>
  );
}
