import type { CacheCommand } from '../../../src/server/api/caches.ts';
import { request } from '../data/client.ts';

const everyMs = 700;
/** Processes report every ten seconds by default; some take longer. */
const longestMs = 90_000;

/** Asks again and again how far a command is, until all live processes have done it or too much time has gone. */
export async function follow(
  url: string,
  asked: CacheCommand,
  onChange: (command: CacheCommand) => void,
): Promise<CacheCommand> {
  const giveUpAt = Date.now() + longestMs;
  let command = asked;
  while (!command.finished && Date.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    command = await request<CacheCommand>(url);
    onChange(command);
  }
  return command;
}
