import { useState } from 'preact/hooks';
import { Card } from '../components/card.tsx';
import { CodeBlock } from '../components/code.tsx';
import { createLazy } from '../components/lazy-module.ts';
import { Empty } from '../components/states.tsx';

const formatting = createLazy(() => import('./format-statement.ts'));

/** The statement to be read: formatted, or as the application sent it. */
export function StatementText({ text }: { text: string | null }) {
  const [original, setOriginal] = useState(false);
  const loaded = formatting.use();
  if (text === null) {
    return (
      <Card title="Statement">
        <Empty title="The text cannot be read">
          Pitcrew’s role may not read texts of other roles’ statements. Membership in pg_read_all_stats gives it that
          right.
        </Empty>
      </Card>
    );
  }
  const shown = original || loaded.state !== 'ready' ? text : loaded.module.formatStatement(text);
  return (
    <Card
      title="Statement"
      actions={
        <label class="check">
          <input type="checkbox" checked={original} onChange={(event) => setOriginal(event.currentTarget.checked)} />
          As sent
        </label>
      }
    >
      <CodeBlock text={shown} label="Text of the statement" wrap />
    </Card>
  );
}
