import { createStore, useStore } from '../data/store.ts';
import { Icon } from './icon.tsx';
import { StatusBadge, type Tone } from './status.tsx';

interface Toast {
  id: number;
  tone: Tone;
  text: string;
}

const toasts = createStore<readonly Toast[]>([]);
let lastId = 0;

function remove(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id));
}

/** Says what came of an action. Good news goes by itself, the rest stays until it is closed. */
export function say(tone: Tone, text: string): void {
  lastId += 1;
  const id = lastId;
  toasts.set([...toasts.get().slice(-3), { id, tone, text }]);
  if (tone === 'ok') setTimeout(() => remove(id), 6000);
}

export function Toasts() {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {useStore(toasts).map((toast) => (
        <div class="toast" key={toast.id}>
          <StatusBadge tone={toast.tone} plain>
            {toast.tone === 'ok' ? 'Done' : 'Failed'}
          </StatusBadge>
          <p>{toast.text}</p>
          <button
            type="button"
            class="button button-plain button-small"
            aria-label="Close this message"
            onClick={() => remove(toast.id)}
          >
            <Icon name="close" size={13} />
          </button>
        </div>
      ))}
    </div>
  );
}
