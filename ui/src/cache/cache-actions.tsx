import type { Cache } from '../../../src/server/api/caches.ts';
import { actionWords, type AskedAction } from './cache-dialog.tsx';

/** Why something cannot be asked; `undefined` when it can. */
function refusal({ processes, warmers }: Cache, action: AskedAction, enabled: boolean): string | undefined {
  if (!enabled) return 'Switched off: the setting actions.cache enables it';
  if (processes === 0) return 'No process reports this cache now';
  if (action === 'warm' && warmers.length === 0) return 'Its processes name no warmers';
  return undefined;
}

/** Buttons of one cache; what cannot be done says why. */
export function CacheActions({
  cache,
  enabled,
  act,
}: {
  cache: Cache;
  enabled: boolean;
  act: (action: AskedAction) => void;
}) {
  return (
    <div class="filters" role="group" aria-label={`What can be asked of ${cache.name}`}>
      {(['invalidate', 'warm', 'clear'] as const).map((action) => {
        const reason = refusal(cache, action, enabled);
        const { button } = actionWords[action];
        return (
          <button
            key={action}
            type="button"
            class="button"
            disabled={reason !== undefined}
            title={reason}
            aria-label={`${button} ${cache.name}${reason === undefined ? '' : ` (${reason})`}`}
            onClick={() => act(action)}
          >
            {button} …
          </button>
        );
      })}
      {!enabled && (
        <span class="small muted">
          Clearing, invalidating and warming is switched off; the setting <code>actions.cache</code> enables it.
        </span>
      )}
    </div>
  );
}
