import type { Cache, CacheStream } from '../../../src/server/api/caches.ts';
import type { Tone } from '../components/status.tsx';

/** A cache's place in the address. */
export function keyOf({ application, name }: Pick<Cache, 'application' | 'name'>): string {
  return `${application}/${name}`;
}

/** Of all tiers that know it; `null` when none does. */
export function bytesOf({ tiers }: Pick<Cache, 'tiers'>): number | null {
  const known = tiers.flatMap(({ bytes }) => bytes ?? []);
  return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
}

/** Below so many requests a ratio says little. */
const fewRequests = 100;

/** As the alerts on hit ratios judge: warning under 90 %, critical under 70 %. */
export function ratioTone({ hitRatio, requests }: Pick<Cache, 'hitRatio' | 'requests'>): Tone {
  if (hitRatio === null || requests < fewRequests) return 'unknown';
  return hitRatio < 0.7 ? 'critical' : hitRatio < 0.9 ? 'warning' : 'ok';
}

export function streamTone({ truth, reason }: Pick<CacheStream, 'truth' | 'reason'>): Tone {
  if (reason !== null) return 'warning';
  return truth === 'stream' || truth === 'triggers' ? 'ok' : 'info';
}

/** Colours of tiers, the same in every chart; the first is kept for all of them together. */
const colors = ['--series-3', '--series-2', '--series-6', '--series-4', '--series-5'] as const;

export function colorAt(index: number): string {
  return colors[index % colors.length] ?? colors[0];
}
