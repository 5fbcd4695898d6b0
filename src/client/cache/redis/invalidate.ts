import type { Invalidation } from '../invalidation.ts';
import type { Position } from '../tier.ts';
import type { Bus } from './bus.ts';
import type { Commands } from './commands.ts';
import { type Keys, sorted } from './keys.ts';
import { invalidateScript, voidScript } from './scripts.ts';
import { pendingMark, tombstone } from './stored.ts';
import { tierError } from './tier-error.ts';

/** Longer than a fill may be on its way, and than an invalidation may go unheard by a process that believes to hear all. */
const tombstoneMs = '60000';
/** Invalidations in one script: some hundred microseconds of Redis's time. */
const mostAtOnce = 500;
/** Characters of notes in one message: every process has it waiting at Redis until it is read, and is cut off when that is too much. */
const mostNoted = 1_000_000;
const mostPatterns = '200';

interface Context {
  bus: Bus;
  commands: Commands;
  keys: Keys;
  isCluster: boolean;
  origin: string;
  mostNames: number;
}

/**
 * Resolves when no process is given any of it any more, and this one has heard of it as well; with the position of the invalidation
 * where it was a single one.
 */
export async function invalidate(what: readonly Invalidation[], context: Context): Promise<Position | undefined> {
  const parts = [...partsOf(what)];
  const [only] = parts;
  if (only && parts.length === 1) return invalidateSome(only, context);
  for (const part of parts) await invalidateSome(part, context);
  return undefined;
}

function* partsOf(what: readonly Invalidation[]): Generator<readonly Invalidation[]> {
  let start = 0;
  let noted = 0;
  for (const [index, each] of what.entries()) {
    const length = each.kind === 'note' ? each.text.length : 0;
    if (index - start === mostAtOnce || (noted + length > mostNoted && index > start)) {
      yield what.slice(start, index);
      start = index;
      noted = 0;
    }
    noted += length;
  }
  yield what.slice(start);
}

async function invalidateSome(what: readonly Invalidation[], context: Context): Promise<Position> {
  const { bus, commands, keys, isCluster, origin, mostNames } = context;
  const { keys: invalidated, names, patterns, isAll } = sorted(what);
  const values = invalidated.map((key) => keys.value(key));
  const voidValues = (before: string, after: string) =>
    Promise.all(values.map((value) => commands.run(voidScript, [value], [before, after, tombstoneMs])));
  const mark = pendingMark();
  // Before anyone hears of it, so that nobody who has heard finds the old value.
  if (isCluster) await voidValues(mark, mark);
  for (let tries = 0; tries < 3; tries += 1) {
    const { epoch } = bus.known;
    const at = Number(
      await commands.run(
        invalidateScript,
        [...keys.history, ...(isCluster ? [] : values)],
        [
          epoch,
          keys.channel,
          origin,
          JSON.stringify(what),
          String(mostNames),
          mostPatterns,
          isAll ? 'all' : '',
          tombstoneMs,
          String(names.length),
          ...names,
          ...patterns,
        ],
      ),
    );
    if (at > 0) {
      if (isCluster) await voidValues(mark, tombstone({ epoch, at }));
      await bus.reached(at, epoch);
      return { epoch, at };
    }
    // Another epoch has begun.
    await bus.lost();
  }
  throw tierError('Redis loses its history again and again');
}
