import type { History } from '../../../store/index.ts';
import type { CheckContext } from '../../types.ts';

/** As far as history is kept by default. */
const reachMs = 2 * 365 * 86_400_000;
const points = 720;

/** How often indexes were used over all history that is known, and since when that is; `null` while none is. */
export async function indexHistoryOf(
  history: History,
  targetId: number,
  now: Date,
): Promise<CheckContext['indexHistory']> {
  const range = { from: new Date(now.getTime() - reachMs), to: now };
  const { series, step } = await history.series({
    targetId,
    ...range,
    names: ['pitcrew.covered_seconds'],
    labels: { collector: 'tables' },
    step: Math.ceil(reachMs / 1000 / points),
  });
  const begin = Math.min(...series.flatMap(({ points: all }) => all.find(({ value }) => value !== null)?.at ?? []));
  if (!Number.isFinite(begin)) return null;
  const { relations } = await history.indexes({ targetId, ...range });
  return {
    // Where within its first stretch history begins is not known: rather too late than too early.
    since: new Date(Math.min(begin + step * 1000, now.getTime())),
    uses: relations.map(({ key, counters, firstSeen }) => ({
      schema: key.schema,
      name: key.name,
      scans: counters.scans,
      since: firstSeen,
    })),
  };
}
