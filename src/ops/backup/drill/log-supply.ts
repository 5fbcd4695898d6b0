import { chown, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Repository } from '../repository/index.ts';
import { fetchWal, notInRepository } from '../wal/fetch.ts';
import { segmentName, segmentPosition } from '../wal/segments.ts';

/** Hands a recovering server the log that it asks for. */
export interface LogSupply {
  /** Words of its `restore_command`. */
  readonly command: string[];
  /** Files of the log that were handed over, and the last one. */
  readonly files: number;
  readonly last: string | undefined;
  /** Why a file could not be handed over. */
  readonly failure: { name: string; error: unknown } | undefined;
  close(): Promise<void>;
}

export interface LogSupplyOptions {
  repository: Repository;
  segmentBytes: number;
  /** A folder in which one is made for what is handed over. */
  folder: string;
  owner: { uid: number; gid: number } | undefined;
}

/** So many segments are laid out before they are asked for. */
const ahead = 4;
const lookEveryMs = 20;

/**
 * Fetches log for a scratch server. This process reads the repository, with its rights and keys; the server's user needs neither: its `restore_command` says which
 * file it wants by making an empty one, waits for the answer, and gives up when its server is gone.
 */
export async function supplyLog({ repository, segmentBytes, folder, owner }: LogSupplyOptions): Promise<LogSupply> {
  const place = join(folder, 'log');
  const script = join(folder, 'fetch.sh');
  await mkdir(place, { mode: 0o700 });
  await writeFile(script, scriptText(place), { mode: 0o755 });
  if (owner) await chown(place, owner.uid, owner.gid);
  const state = {
    files: 0,
    last: undefined as string | undefined,
    failure: undefined as LogSupply['failure'],
    closed: false,
  };

  /** Lays a file out. @returns whether it is there */
  async function layOut(name: string): Promise<boolean> {
    const fetched = join(place, `${name}.fetched`);
    if (!isOfLog(name) || !(await fetchWal(repository, name, fetched))) return false;
    if (owner) await chown(fetched, owner.uid, owner.gid);
    await rename(fetched, join(place, name));
    return true;
  }

  async function answer(name: string, request: string): Promise<void> {
    try {
      if (!(await layOut(name))) {
        await writeFile(join(place, `${request}.missing`), '');
        return;
      }
      state.last = name;
      state.files += 1;
    } catch (error) {
      state.failure ??= { name, error };
      await writeFile(join(place, `${request}.failed`), '');
    }
  }

  let noneAfter: string | undefined;
  /** What comes next; when it cannot be read, that is told when it is asked for. */
  async function goAhead(there: readonly string[]): Promise<void> {
    const at = state.last === undefined ? undefined : segmentPosition(state.last, segmentBytes);
    if (!at || noneAfter === state.last) return;
    for (let step = 1; step <= ahead; step += 1) {
      const next = segmentName(at.timeline, at.startLsn + BigInt(step * segmentBytes), segmentBytes);
      if (there.includes(next)) continue;
      // One at a time: what is asked for goes before.
      if (!(await layOut(next).catch(() => false))) noneAfter = state.last;
      return;
    }
  }

  async function serve(): Promise<void> {
    // By the name of the file and the process that asks: one may be asked for twice.
    let answered = new Set<string>();
    while (!state.closed) {
      const there = await readdir(place);
      const requests = there.flatMap((file) => /^(.+)\.wanted$/.exec(file)?.[1] ?? []);
      answered = new Set(requests.filter((request) => answered.has(request)));
      for (const request of requests.filter((each) => !answered.has(each))) {
        answered.add(request);
        const name = request.replace(/\.\d+$/, '');
        if (there.includes(name)) {
          state.last = name;
          state.files += 1;
        } else await answer(name, request);
      }
      await goAhead(there);
      await delay(lookEveryMs);
    }
  }

  const served = serve().catch((error: unknown) => {
    if (!state.closed) state.failure ??= { name: 'the log', error };
  });
  return {
    command: ['/bin/sh', script],
    get files() {
      return state.files;
    },
    get last() {
      return state.last;
    },
    get failure() {
      return state.failure;
    },
    async close() {
      state.closed = true;
      await served;
      await rm(place, { recursive: true, force: true });
    },
  };
}

const isOfLog = (name: string): boolean => /^[0-9A-F]{8}(?:[0-9A-F]{16}|\.history)$/.test(name);

/** Runs in the data directory. The first line of the server's pid file is its process. */
function scriptText(place: string): string {
  return `#!/bin/sh
# $1: the file of the log that is wanted; $2: where to.
file='${place.replaceAll("'", `'\\''`)}'/"$1"
request="$file.$$"
: > "$request.wanted" || exit 126
while :; do
  if [ -e "$file" ]; then mv "$file" "$2" && rm -f "$request.wanted" && exit 0; exit 126; fi
  if [ -e "$request.missing" ]; then rm -f "$request.missing" "$request.wanted"; exit ${notInRepository}; fi
  [ -e "$request.failed" ] && exit 126
  read -r server < postmaster.pid && kill -0 "$server" && [ -e "$request.wanted" ] || exit 126
  sleep 0.02
done 2>/dev/null
`;
}
