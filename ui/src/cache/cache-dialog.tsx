import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Cache, CacheCommand } from '../../../src/server/api/caches.ts';
import { Dialog } from '../components/dialog.tsx';
import { say } from '../components/toast.tsx';
import { databaseUrl } from '../data/api.ts';
import { failureText, request } from '../data/client.ts';
import { useUrl } from '../data/use-url.ts';
import { count, textOf } from '../format/quantity.ts';
import { follow } from './follow.ts';

export type AskedAction = CacheCommand['action'];

export const actionWords = {
  clear: { button: 'Clear', title: 'Clear', confirm: 'Clear the cache', done: 'was cleared' },
  invalidate: { button: 'Invalidate', title: 'Invalidate a part of', confirm: 'Invalidate', done: 'was invalidated' },
  warm: { button: 'Warm', title: 'Warm', confirm: 'Warm it', done: 'was warmed' },
} as const;

const explanations = {
  clear:
    'Every entry goes, in all processes and in the tiers that they share. Until it is filled again all requests go to where the values come from.',
  invalidate: 'What fits goes, in all processes and in the tiers that they share; the rest stays.',
  warm: 'The warmer loads its keys through the cache, in every process that has it.',
} as const;

const kinds = [
  { id: 'tags', title: 'Tag', example: 'products' },
  { id: 'keys', title: 'Key', example: 'products:42' },
  { id: 'patterns', title: 'Pattern of keys', example: 'products:42:*' },
  { id: 'tables', title: 'Table', example: 'orders' },
] as const;
type Kind = (typeof kinds)[number]['id'];

interface Chosen {
  kind: Kind;
  text: string;
  warmer: string;
}

function bodyOf({ application, name: cache }: Cache, action: AskedAction, { kind, text, warmer }: Chosen): object {
  const which = { application, cache };
  if (action === 'clear') return which;
  return action === 'warm' ? { ...which, warmer } : { ...which, [kind]: [text] };
}

/** Asks once more, saying what happens, and then how many processes have done it. */
export function CacheDialog({
  cache,
  action,
  onClose,
  onDone,
}: {
  cache: Cache;
  action: AskedAction;
  onClose: () => void;
  onDone: () => void;
}) {
  const { query } = useUrl();
  const [command, setCommand] = useState<CacheCommand | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const kind = cache.kind === 'queries' ? 'tables' : 'tags';
  const [chosen, setChosen] = useState<Chosen>({ kind, text: '', warmer: cache.warmers[0] ?? '' });
  const word = actionWords[action];
  const id = useId();
  // It may be closed while it waits; what came of it is told all the same.
  const isOpen = useRef(true);
  useEffect(() => () => void (isOpen.current = false), []);

  const ask = async () => {
    setBusy(true);
    try {
      const asked = await request<CacheCommand>(databaseUrl(`/cache/${action}`, query), {
        method: 'POST',
        body: bodyOf(cache, action, chosen),
      });
      setCommand(asked);
      const ended = await follow(databaseUrl(`/cache/commands/${asked.id}`, query), asked, setCommand);
      tell(cache, word.done, ended);
    } catch (thrown) {
      say('critical', failureText(thrown));
    }
    onDone();
    if (isOpen.current) onClose();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    void ask();
  };
  return (
    <Dialog
      title={`${word.title} ${cache.name}?`}
      onClose={onClose}
      actions={
        <>
          <button type="button" class="button" autofocus={action !== 'invalidate'} onClick={onClose}>
            {command ? 'Close' : 'Leave it'}
          </button>
          <button type="submit" form={id} class="button button-danger" disabled={busy}>
            {word.confirm}
          </button>
        </>
      }
    >
      <p>{explanations[action]}</p>
      <form id={id} class="stack" onSubmit={submit}>
        {action === 'invalidate' && <What kind={cache.kind} chosen={chosen} onChange={setChosen} />}
        {action === 'warm' && (
          <label class="labelled">
            Warmer
            <select
              class="field"
              value={chosen.warmer}
              onChange={(event) => setChosen({ ...chosen, warmer: event.currentTarget.value })}
            >
              {cache.warmers.map((warmer) => (
                <option key={warmer} value={warmer}>
                  {warmer}
                </option>
              ))}
            </select>
          </label>
        )}
      </form>
      <dl class="facts">
        <div>
          <dt>Application</dt>
          <dd>{cache.application}</dd>
        </div>
        <div>
          <dt>Processes</dt>
          <dd>{textOf(count(cache.processes))}</dd>
        </div>
      </dl>
      <p class="small muted" role="status">
        {command
          ? `${command.done + command.failed} of ${command.done + command.failed + command.waiting} processes have answered …`
          : 'Processes do it when they report next, within ten seconds by default.'}
      </p>
    </Dialog>
  );
}

function What({ kind, chosen, onChange }: { kind: Cache['kind']; chosen: Chosen; onChange: (chosen: Chosen) => void }) {
  const offered = kinds.filter(({ id }) => kind === 'queries' || id !== 'tables');
  const example = offered.find(({ id }) => id === chosen.kind)?.example ?? '';
  return (
    <div class="cache-what">
      <label class="labelled">
        What
        <select
          class="field"
          value={chosen.kind}
          onChange={(event) => {
            const found = offered.find(({ id }) => id === event.currentTarget.value);
            if (found) onChange({ ...chosen, kind: found.id });
          }}
        >
          {offered.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label class="labelled">
        Name
        <input
          class="field"
          type="text"
          required
          autofocus
          maxLength={1000}
          autocomplete="off"
          spellcheck={false}
          placeholder={example}
          value={chosen.text}
          onInput={(event) => onChange({ ...chosen, text: event.currentTarget.value })}
        />
      </label>
    </div>
  );
}

function tell({ name }: Cache, done: string, { failed, waiting, processes, done: times }: CacheCommand): void {
  const failure = processes.find(({ state }) => state === 'failed');
  const all = times + failed + waiting;
  if (failed + waiting === 0) say('ok', `${name} ${done} in ${all} process${all === 1 ? '' : 'es'}.`);
  else if (failed > 0)
    say('critical', `${name}: ${failed} of ${all} processes failed: ${failure?.error ?? 'no reason is known'}.`);
  else say('warning', `${name}: ${waiting} of ${all} processes have not answered; they do it when they report.`);
}
