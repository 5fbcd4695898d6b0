import { useLayoutEffect, useState } from 'preact/hooks';
import { Dialog } from '../components/dialog.tsx';
import { preference } from '../data/preference.ts';
import { refreshAll } from '../data/resource-cache.ts';
import { useStore } from '../data/store.ts';
import { useUrl } from '../data/use-url.ts';
import { keyAction, type KeyState } from './key-action.ts';
import { pages } from './pages.ts';

/** Single keys can be turned off: speech input may type them by accident (WCAG 2.1.4). */
const enabled = preference<'on' | 'off'>('shortcuts', ['on', 'off'], 'on');

/** Listens for the keys of the whole page and shows their list. */
export function Shortcuts({ open, onToggle }: { open: boolean; onToggle: (open: boolean) => void }) {
  const { go, to } = useUrl();
  const isOn = useStore(enabled) === 'on';
  const [state] = useState<KeyState>({ prefixAt: undefined });
  // Keys count from the moment the page is to be seen.
  useLayoutEffect(() => {
    if (!isOn) return undefined;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      const action = keyAction(event.key, state, event.timeStamp, pages);
      if (!action) return;
      event.preventDefault();
      if (action.type === 'go') go(to(action.path));
      if (action.type === 'search') document.querySelector<HTMLElement>('[data-search]')?.focus();
      if (action.type === 'help') onToggle(true);
      if (action.type === 'refresh') refreshAll();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  });
  if (!open) return null;
  const close = () => onToggle(false);
  return (
    <Dialog
      title="Keyboard"
      onClose={close}
      actions={
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      }
    >
      <dl class="keys">
        {pages.map(({ path, title, key }) => (
          <div key={path}>
            <dt>
              <kbd>g</kbd> <kbd>{key}</kbd>
            </dt>
            <dd>{title}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>/</kbd>
          </dt>
          <dd>Search on this page</dd>
        </div>
        <div>
          <dt>
            <kbd>r</kbd>
          </dt>
          <dd>Ask again for what is shown</dd>
        </div>
        <div>
          <dt>
            <kbd>?</kbd>
          </dt>
          <dd>This list</dd>
        </div>
      </dl>
      <label class="check">
        <input
          type="checkbox"
          checked={isOn}
          onChange={(event) => enabled.set(event.currentTarget.checked ? 'on' : 'off')}
        />
        Use these keys
      </label>
    </Dialog>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}
