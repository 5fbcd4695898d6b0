import type { Cache, CacheStats } from '../../server/api/caches.ts';
import { paint } from '../output.ts';
import { formatBytes, formatCount, formatMs, formatRatio, wrapped } from './format.ts';
import { renderTable } from './table.ts';

const mostGroups = 8;
const columns = 80;
const indent = ' '.repeat(14);
const heldSpace = '\u2060';

/** Whether something of a cache needs a look: a tier that is away, or changes of the database that are not heard of. */
export function isTroubled({ tiers, streams }: Cache): boolean {
  return tiers.some(({ away }) => away > 0) || streams.some(({ reason }) => reason !== null);
}

/** Caches one after another: how well each does, by tier, and what invalidates it. */
export function cacheScreen({ database, from, to, caches }: CacheStats): string {
  const time = formatMs(Date.parse(to) - Date.parse(from));
  const heading = `${paint('bold', `Caches of ${database}`)}  ${paint('dim', `over the last ${time}`)}`;
  if (caches.length === 0) {
    return [
      heading,
      '  No application has reported a cache in this time.',
      `  ${paint('dim', 'pool.telemetry?.observeCache(cacheReporting(cache, { name })) reports one; see docs/cache.md.')}`,
    ].join('\n');
  }
  return [heading, ...caches.map((cache) => cacheLines(cache).join('\n'))].join('\n\n');
}

function cacheLines(cache: Cache): string[] {
  const { application, name, hitRatio, requestsPerSecond, processes, lastSeen } = cache;
  const alive =
    processes > 0
      ? `${processes} process${processes === 1 ? '' : 'es'}`
      : paint('yellow', `no process reports; last heard of ${lastSeen.slice(0, 16).replace('T', ' ')} UTC`);
  return [
    [
      paint('bold', `${application}/${name}`),
      paint(tone(hitRatio), `${formatRatio(hitRatio)} hits`),
      `${formatCount(requestsPerSecond)} requests/s`,
      alive,
    ].join('  '),
    ...tierLines(cache),
    ...figureLines(cache),
  ];
}

/** As the alerts on hit ratios: warning under 90 %, critical under 70 %. */
function tone(hitRatio: number | null): 'dim' | 'red' | 'yellow' | 'green' {
  if (hitRatio === null) return 'dim';
  return hitRatio < 0.7 ? 'red' : hitRatio < 0.9 ? 'yellow' : 'green';
}

function tierLines({ tiers, processes }: Cache): string[] {
  const titles = ['  tier', 'answers', 'hits', 'lookup', 'entries', 'bytes', 'evicted', ''];
  return renderTable(
    titles.map((title, index) => ({
      title: paint('dim', title),
      align: index === 0 || index === titles.length - 1 ? 'left' : 'right',
    })),
    tiers.map(({ name, share, hits, meanMs, entries, bytes, evictions, unreadable, away }) => [
      `  ${name}`,
      formatRatio(share),
      formatCount(hits),
      formatMs(meanMs),
      formatCount(entries),
      formatBytes(bytes),
      formatCount(evictions),
      [
        away > 0 ? paint('red', `away for ${away} of ${processes}`) : '',
        unreadable > 0 ? paint('yellow', `${formatCount(unreadable)} unreadable`) : '',
      ]
        .filter(Boolean)
        .join(', '),
    ]),
  );
}

function figureLines(cache: Cache): string[] {
  const { misses, staleHits, loads, loadErrors, meanLoadMs, requests } = cache;
  const counted = (list: Cache['invalidations']): string =>
    list.map(({ name, count }) => `${name} ${formatCount(count)}`).join(' · ');
  const groups = cache.groups
    .slice(0, mostGroups)
    .map(
      ({ name, hits, misses: empty, hitRatio }) => `${name} ${formatRatio(hitRatio)} of ${formatCount(hits + empty)}`,
    );
  const lines: [string, string][] = [
    ['misses', `${formatCount(misses)} of ${formatCount(requests)}, stale answers ${formatCount(staleHits)}`],
    ['loads', `${formatCount(loads)} at ${formatMs(meanLoadMs)}, ${formatCount(loadErrors)} failed`],
    ['invalidated', counted(cache.invalidations)],
    ['not kept', counted(cache.refused)],
    ['went past', counted(cache.bypasses)],
    ['groups', groups.join(' · ')],
    ['warmers', cache.warmers.join(' · ')],
    ...cache.streams
      .slice(0, 3)
      .map(({ truth, state, reason, lagMs, leader }): [string, string] => [
        leader ? 'changes' : 'follows',
        [
          `${truth}, ${reason === null ? state : paint('red', `${state}: ${reason}`)}`,
          ...(lagMs === null ? [] : [`${formatMs(lagMs)} behind`]),
        ].join(', '),
      ]),
  ];
  return lines
    .filter(([, text]) => text !== '')
    .flatMap(([title, text]) => {
      // Names stay with their figures.
      const [first = '', ...rest] = wrapped(text.replaceAll(/(?<! ·) (?!· )/g, heldSpace), columns, indent);
      return [`  ${paint('dim', title.padEnd(indent.length - 3))} ${first.trimStart()}`, ...rest].map((line) =>
        line.replaceAll(heldSpace, ' '),
      );
    });
}
