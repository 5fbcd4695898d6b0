import type { BlockingNode, Locks } from '../../../src/server/api/sessions.ts';
import { Card } from '../components/card.tsx';
import { StatusBadge } from '../components/status.tsx';
import { seconds, textOf } from '../format/quantity.ts';
import { ActionButtons, type PendingAction } from './action-dialog.tsx';
import { SessionQuery } from './session-columns.tsx';

interface TreeProps {
  enabled: boolean;
  act: (action: PendingAction) => void;
}

/** Who waits for whom: those that block others at the root, those that wait below. */
export function BlockingTree({ locks, ...rest }: TreeProps & { locks: Locks }) {
  const waiting = `${locks.blocked} ${locks.blocked === 1 ? 'session waits' : 'sessions wait'} for a lock`;
  return (
    <Card title="Blocking" note={<StatusBadge tone="critical">{waiting}</StatusBadge>}>
      <ul class="lock-tree">
        {locks.roots.map((node) => (
          <Branch key={node.session.pid} node={node} root {...rest} />
        ))}
      </ul>
    </Card>
  );
}

function Branch({ node, root, ...rest }: TreeProps & { node: BlockingNode; root?: boolean }) {
  const { session, waiting } = node;
  const behind = countOf(waiting);
  return (
    <li>
      <div class="lock-node">
        <div class="lock-head">
          <strong class="mono">{session.pid}</strong>
          <StatusBadge tone={root ? 'critical' : 'warning'} icon={root ? 'lock' : 'clock'}>
            {root ? `Blocks ${behind}` : 'Waits'}
          </StatusBadge>
          <span class="small muted">
            {session.user}@{session.database} {session.application && `· ${session.application}`} · {session.state}
            {session.transactionSeconds !== null && ` · transaction ${textOf(seconds(session.transactionSeconds))}`}
          </span>
          <ActionButtons session={session} {...rest} />
        </div>
        {session.waitsFor && (
          <p class="small">
            Wants {session.waitsFor.mode} on {session.waitsFor.relation ?? session.waitsFor.lockType}
            {session.waitsFor.seconds !== null && <strong> for {textOf(seconds(session.waitsFor.seconds))}</strong>}
          </p>
        )}
        <SessionQuery session={session} />
      </div>
      {waiting.length > 0 && (
        <ul>
          {waiting.map((child) => (
            <Branch key={child.session.pid} node={child} {...rest} />
          ))}
        </ul>
      )}
    </li>
  );
}

function countOf(nodes: readonly BlockingNode[]): number {
  return nodes.reduce((sum, node) => sum + 1 + countOf(node.waiting), 0);
}
