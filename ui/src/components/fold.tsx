import type { ComponentChildren } from 'preact';
import { Icon } from './icon.tsx';

/** Something folded away under a line that says what it is. */
export function Fold({
  summary,
  open,
  children,
}: {
  summary: ComponentChildren;
  open?: boolean;
  children: ComponentChildren;
}) {
  return (
    <details class="fold" open={open}>
      <summary>
        <Icon name="right" size={12} class="icon-fold" />
        {summary}
      </summary>
      {children}
    </details>
  );
}
