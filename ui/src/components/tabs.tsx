import type { ComponentChildren } from 'preact';
import { useId, useRef } from 'preact/hooks';
import { useUrl } from '../data/use-url.ts';

/** Tabs that are places: each has an address. */
export function LinkTabs({
  label,
  name,
  tabs,
}: {
  label: string;
  name: string;
  tabs: readonly { id: string; title: string }[];
}) {
  const { here, query } = useUrl();
  const current = tabs.find((tab) => tab.id === query[name]) ?? tabs[0];
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((tab, index) => (
        <a
          key={tab.id}
          href={here({ [name]: index === 0 ? null : tab.id, sort: null, page: null })}
          aria-current={tab === current ? 'page' : undefined}
        >
          {tab.title}
        </a>
      ))}
    </nav>
  );
}

interface PanelTab {
  id: string;
  title: string;
  content: () => ComponentChildren;
}

/** Tabs within a panel; arrow keys move between them. */
export function PanelTabs({
  label,
  tabs,
  current,
  onChange,
}: {
  label: string;
  tabs: readonly PanelTab[];
  current: string;
  onChange: (id: string) => void;
}) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const index = Math.max(
    0,
    tabs.findIndex((tab) => tab.id === current),
  );
  const move = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    onChange(next.id);
    list.current?.querySelectorAll<HTMLElement>('[role=tab]')[tabs.indexOf(next)]?.focus();
  };
  return (
    <div class="stack">
      <div class="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={move}>
        {tabs.map((tab, position) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={position === index}
            aria-controls={`${id}-panel`}
            tabIndex={position === index ? 0 : -1}
            onClick={() => onChange(tab.id)}
          >
            {tab.title}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${tabs[index]?.id}`}>
        {tabs[index]?.content()}
      </div>
    </div>
  );
}
