import type { CacheCommand } from '../../server/api/caches.ts';
import { processesOf } from '../cache/follow-command.ts';
import { paint } from '../output.ts';
import { formatMs, oneLine } from './format.ts';
import { renderTable } from './table.ts';

const verbs = { clear: 'Cleared', invalidate: 'Invalidated', warm: 'Warmed' } as const;
const states = { done: 'done', failed: 'failed', waiting: 'no answer', silent: 'not heard of' } as const;
const mostLines = 20;

/** What came of a command: one line when all is well, and one for each process where not, or where there is more to say. */
export function commandScreen(command: CacheCommand): string {
  const { action, application, cache, failed, waiting, silent, processes, askedAt } = command;
  const { done, of } = processesOf(command);
  const what = `${application ?? 'all applications'}/${cache ?? 'all caches'}`;
  const isDone = failed + waiting === 0 && of > 0;
  const last = Math.max(...processes.map(({ at }) => (at === null ? 0 : Date.parse(at))));
  const took = isDone && last > 0 ? paint('dim', ` in ${formatMs(Math.max(0, last - Date.parse(askedAt)))}`) : '';
  const first =
    of === 0
      ? paint('yellow', `No process was left to ${action} ${what}.`)
      : isDone
        ? `${paint('green', '✓')} ${verbs[action]} ${what} in ${plural(of)}${took}.`
        : `${paint('red', '✗')} ${verbs[action]} ${what} in ${done} of ${plural(of)}.`;
  const shown = processes.filter(({ state, detail }) => state !== 'done' || detail !== null);
  const rows = shown
    .slice(0, mostLines)
    .map(({ application: owner, cache: name, instance, state, error, detail }) => [
      `  ${paint(state === 'done' ? 'green' : state === 'silent' ? 'dim' : 'red', states[state])}`,
      `${owner}/${name}`,
      instance,
      oneLine([error, detail].filter((text) => text !== null).join('; '), 100),
    ]);
  const columns = ['  state', 'cache', 'process', ''].map((title) => ({ title: paint('dim', title) }));
  return [
    first,
    ...(rows.length > 0 ? renderTable(columns, rows) : []),
    ...(shown.length > mostLines ? [`  and ${shown.length - mostLines} more`] : []),
    ...(waiting + silent > 0
      ? [`  ${paint('dim', 'Who did not answer does it when it reports within ten minutes of the request.')}`]
      : []),
  ].join('\n');
}

const plural = (count: number): string => `${count} process${count === 1 ? '' : 'es'}`;
