import { useState } from 'preact/hooks';
import type { AnalyzeAnswer } from '../../../src/server/api/queries.ts';
import { CodeBlock } from '../components/code.tsx';
import { StatusBadge } from '../components/status.tsx';
import { PanelTabs } from '../components/tabs.tsx';
import { percent, textOf } from '../format/quantity.ts';
import { PlanTable } from './plan-table.tsx';
import { planRows } from './plan-tree.ts';

export type ShownPlan = Pick<AnalyzeAnswer, 'plan' | 'nodes' | 'findings' | 'generic' | 'totalCost'> & {
  executed: boolean;
  /** The text form, where there is one. */
  text: string | null;
  rewrites: AnalyzeAnswer['rewrites'];
};

/** A plan with what stands out in it, as a tree and as text, and better ways to write the statement. */
export function PlanView({ answer }: { answer: ShownPlan }) {
  const [tab, setTab] = useState('tree');
  const { findings, rewrites, plan, nodes, generic, executed, totalCost, text } = answer;
  const rows = planRows(plan, nodes);
  const tree = () => <PlanTable rows={rows} executed={executed} marks={marksOf(findings)} totalCost={totalCost} />;
  return (
    <div class="stack">
      {generic && (
        <p class="small">
          <StatusBadge tone="info">Generic plan</StatusBadge>{' '}
          <span class="muted">
            Planned without parameter values: with certain values the server may choose another.
          </span>
        </p>
      )}
      {findings.length > 0 && <Findings findings={findings} />}
      {text === null ? (
        tree()
      ) : (
        <PanelTabs
          label="Forms of the plan"
          current={tab}
          onChange={setTab}
          tabs={[
            { id: 'tree', title: 'Tree', content: tree },
            { id: 'text', title: 'Text', content: () => <CodeBlock text={text} label="Plan as text" /> },
          ]}
        />
      )}
      {rewrites.length > 0 && <Rewrites rewrites={rewrites} />}
    </div>
  );
}

/** Findings by the number of their node. */
function marksOf(findings: AnalyzeAnswer['findings']): ReadonlyMap<number, number[]> {
  const marks = new Map<number, number[]>();
  for (const [index, { nodeId }] of findings.entries()) {
    if (nodeId !== null) marks.set(nodeId, [...(marks.get(nodeId) ?? []), index]);
  }
  return marks;
}

function Findings({ findings }: { findings: AnalyzeAnswer['findings'] }) {
  return (
    <ol class="findings" aria-label="Findings">
      {findings.map(({ severity, message, advice, node, nodeId, share }, index) => (
        <li key={`${nodeId} ${message}`}>
          <span class="finding-head">
            {nodeId !== null && <span class="plan-mark">{index + 1}</span>}
            <StatusBadge tone={severity} />
          </span>
          <div>
            <p>
              <strong>{message}</strong>
            </p>
            {advice !== null && <p>{advice}</p>}
            <p class="small muted">
              {nodeId === null ? (
                node
              ) : (
                <button type="button" class="link-button" onClick={() => showNode(nodeId)}>
                  {node}
                </button>
              )}
              {share !== null && `, ${textOf(percent(share))} of the whole`}
            </p>
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Brings a node of the tree into view and shows which it is. */
function showNode(id: number): void {
  const node = document.getElementById(`plan-node-${id}`);
  const row = node?.closest('tr');
  row?.scrollIntoView({ block: 'center' });
  row?.classList.add('plan-shown');
  setTimeout(() => row?.classList.remove('plan-shown'), 2500);
}

function Rewrites({ rewrites }: { rewrites: AnalyzeAnswer['rewrites'] }) {
  return (
    <section class="stack" aria-label="How it would be written better">
      <h3>How it would be written better</h3>
      <ul class="findings" aria-label="Rewrites">
        {rewrites.map(({ rule, severity, message, advice, rewritten, provided }) => (
          <li key={rule + message}>
            <StatusBadge tone={severity} />
            <div class="stack-small">
              <p>
                <strong>{message}</strong>
              </p>
              <p>{advice}</p>
              {rewritten !== null && (
                <>
                  <p class="small muted">
                    {provided === null ? 'The same result:' : `The same result, provided that ${provided}:`}
                  </p>
                  <CodeBlock text={rewritten} label="Rewritten statement" wrap />
                </>
              )}
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
