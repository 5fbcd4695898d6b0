import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface CardProps {
  title?: ComponentChildren;
  /** Said of the heading, muted, at the other end of the line. */
  note?: ComponentChildren;
  actions?: ComponentChildren;
  foot?: ComponentChildren;
  /** The content reaches the edges (tables). */
  flush?: boolean;
  class?: string;
  children?: ComponentChildren;
}

/** A panel with a heading; the heading names it for those who jump between regions. */
export function Card({ title, note, actions, foot, flush, class: className, children }: CardProps) {
  const id = useId();
  return (
    <section
      class={`card${flush ? ' card-flush' : ''}${className ? ` ${className}` : ''}`}
      aria-labelledby={title === undefined ? undefined : id}
    >
      {title !== undefined && (
        <div class="card-head">
          <h2 id={id}>{title}</h2>
          {note !== undefined && <span class="card-note">{note}</span>}
          {actions}
        </div>
      )}
      <div class="card-body">{children}</div>
      {foot && <div class="card-foot">{foot}</div>}
    </section>
  );
}
