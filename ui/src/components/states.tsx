import type { ComponentChildren } from 'preact';
import type { Failure } from '../data/client.ts';
import type { Resource } from '../data/use-resource.ts';
import { Icon } from './icon.tsx';
import { StatusBadge } from './status.tsx';

/** Lines in the shape of what is coming, in the place where it will be. */
export function Loading({ lines = 4, label = 'Loading' }: { lines?: number; label?: string }) {
  return (
    <div class="skeleton" role="status">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} />
      ))}
      <div class="visually-hidden">{label}</div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
    </div>
  );
}

/** A failure as the API tells it: the short fact, what exactly was found, what can be done. */
export function ErrorState({ failure, retry }: { failure: Failure; retry?: () => void }) {
  return (
    <div class="state" role="alert">
      <p class="state-title">
        <StatusBadge tone="critical">Error</StatusBadge>
        {failure.title}
      </p>
      {failure.detail !== undefined && <p>{failure.detail}</p>}
      {failure.hint !== undefined && <p>{failure.hint}</p>}
      <p class="small mono">{failure.code}</p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          <Icon name="refresh" />
          Try again
        </button>
      )}
    </div>
  );
}

/** What stands in a place while its answer is not there: loading, or why it does not come. */
export function Awaited<Answer>({
  of,
  lines,
  children,
}: {
  of: Resource<Answer>;
  lines?: number;
  children: (answer: Answer) => ComponentChildren;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.failure && of.failure.kind !== 'signed-out') return <ErrorState failure={of.failure} retry={of.refresh} />;
  return <Loading {...(lines === undefined ? {} : { lines })} />;
}
