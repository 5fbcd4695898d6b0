import { setTimeout as delay } from 'node:timers/promises';
import { cacheCommand, type CacheCommand } from '../../server/api/caches.ts';
import type { DaemonClient } from '../daemon-client.ts';
import { progressLine } from '../progress-line.ts';

interface Followed {
  client: DaemonClient;
  action: CacheCommand['action'];
  body: object;
  /** For so long it is waited for processes. */
  timeoutMs: number;
  signal: AbortSignal;
  quiet: boolean;
}

const everyMs = 500;

/** Asks for something of caches and waits until all live processes have done it, or the time is over. Gives how far it is then. */
export async function followCommand({
  client,
  action,
  body,
  timeoutMs,
  signal,
  quiet,
}: Followed): Promise<CacheCommand> {
  const line = progressLine(quiet);
  let command = await client.ask(cacheCommand, `/cache/${action}`, { body });
  const giveUpAt = performance.now() + timeoutMs;
  while (!command.finished && performance.now() < giveUpAt && !signal.aborted) {
    line.show(`${progressOf(command)}; they report every few seconds …`);
    await delay(everyMs, undefined, { signal }).catch(() => {});
    if (!signal.aborted) command = await client.ask(cacheCommand, `/cache/commands/${command.id}`);
  }
  line.end(progressOf(command));
  return command;
}

/** `3 of 4 processes`; those that do not report are not waited for. */
function progressOf(command: CacheCommand): string {
  const { done, of } = processesOf(command);
  return `${done} of ${of} process${of === 1 ? '' : 'es'}`;
}

/** A process that has several of the caches counts once, when all are done. */
export function processesOf({ processes }: CacheCommand): { done: number; of: number } {
  const asked = processes.filter(({ state }) => state !== 'silent');
  const nameOf = ({ application, instance }: (typeof asked)[number]): string => JSON.stringify([application, instance]);
  const all = new Set(asked.map(nameOf));
  const open = new Set(asked.filter(({ state }) => state !== 'done').map(nameOf));
  return { done: all.size - open.size, of: all.size };
}
