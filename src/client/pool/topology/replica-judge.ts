import type { PrimaryPositions } from './lag.ts';
import type { MonitoredHost } from './monitored-host.ts';
import type { PrimaryTerm } from './types.ts';

export interface LagLimits {
  maxLagMs: number;
  maxLagBytes: number;
}

/** Measures how far behind a replica is, at the moment of its last answer. Without a primary there is nothing new to say. */
export function measureLag(host: MonitoredHost, positions: PrimaryPositions): void {
  const { sighting, full } = host;
  if (sighting?.position === undefined) return;
  const behind = positions.behind(sighting.position, host.seenAt);
  if (!behind) {
    // No primary seen yet: what the replica says of itself, clocks and all.
    host.lagBytes = undefined;
    host.lagMs = full ? (full.allReplayed ? 0 : full.sinceCommitMs) : undefined;
    return;
  }
  host.lagBytes = behind.bytes;
  // Behind all that we remember of the primary: then its own figure may tell of what was before.
  host.lagMs = behind.beyondMemory ? Math.max(behind.ms, full?.sinceCommitMs ?? 0) : behind.ms;
}

/** Why a replica that answers must not be read, in words; `undefined` when it may. */
export function objection(
  host: MonitoredHost,
  term: PrimaryTerm | undefined,
  primaryKnown: boolean,
  limits: LagLimits,
): string | undefined {
  const cluster = host.full?.cluster;
  if (term?.cluster !== undefined && cluster !== undefined && cluster !== term.cluster)
    return `it belongs to another cluster than ${term.name}`;
  if (term?.timeline !== undefined && host.timeline !== undefined && host.timeline !== term.timeline) {
    // With no primary in sight, one on a later timeline follows a primary that we cannot see: it is the newest there is.
    const ahead = host.timeline > term.timeline && !primaryKnown;
    if (!ahead)
      return `it is on timeline ${host.timeline} as far as it tells, the primary ${term.name} on ${term.timeline}`;
  }
  if (!primaryKnown) return undefined;
  if (host.lagMs !== undefined && host.lagMs > limits.maxLagMs)
    return `it is ${Math.round(host.lagMs)} ms behind, more than ${limits.maxLagMs} ms`;
  if (host.lagBytes !== undefined && host.lagBytes > limits.maxLagBytes)
    return `it is ${host.lagBytes} bytes behind, more than ${limits.maxLagBytes}`;
  return undefined;
}
