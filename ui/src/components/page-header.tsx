import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { useNow } from '../data/clock.ts';
import { offlineSince } from '../data/client.ts';
import { useStore } from '../data/store.ts';
import type { Resource } from '../data/use-resource.ts';
import { span } from '../format/quantity.ts';
import { moment, utc } from '../format/time.ts';
import { Icon } from './icon.tsx';

interface PageHeaderProps {
  title: string;
  /** Above the title: the way back. */
  crumbs?: ComponentChildren;
  /** Whose freshness is shown. */
  of?: Resource<unknown>;
  children?: ComponentChildren;
}

/** Heading of a page, how fresh it is, and its controls. The heading takes the focus when the page is come to. */
export function PageHeader({ title, crumbs, of, children }: PageHeaderProps) {
  useEffect(() => {
    document.title = `${title} · Pitcrew`;
  }, [title]);
  return (
    <header class="page-header">
      <div class="page-title">
        {crumbs !== undefined && (
          <nav aria-label="Breadcrumb" class="crumbs">
            {crumbs}
          </nav>
        )}
        <h1 tabIndex={-1}>{title}</h1>
      </div>
      <div class="page-actions">
        {of && <Freshness of={of} />}
        {children}
      </div>
    </header>
  );
}

/** When the answer came, or since when it is not kept up to date any more. */
export function Freshness({ of }: { of: Resource<unknown> }) {
  const now = useNow(5000);
  const offline = useStore(offlineSince) !== undefined;
  const staleSince = offline ? of.at : of.staleSince;
  if (staleSince !== undefined) {
    return (
      <span class="freshness freshness-stale" title={`${of.failure?.title ?? ''} · ${utc(staleSince)}`}>
        <Icon name="warning" size={14} />
        <span>
          Stale since {moment(staleSince, now)}
          {!offline && of.failure && `: ${of.failure.title}`}
        </span>
      </span>
    );
  }
  if (of.at === undefined) {
    // Holds the place of what will be said, so that nothing moves then.
    return of.failure ? null : <span class="freshness">Loading …</span>;
  }
  const age = now - of.at;
  return (
    <span class="freshness" title={`${moment(of.at, now)} · ${utc(of.at)}`}>
      <Icon name="clock" size={14} />
      {age < 60_000 ? `Updated ${moment(of.at, now)}` : `Updated ${span(age)} ago`}
    </span>
  );
}
