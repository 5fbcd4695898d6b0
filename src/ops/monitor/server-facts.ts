import type { ServerProfile, Skipped } from '../../engine/postgres/index.ts';
import { isLocalAddress } from './host/index.ts';
import type { ServerFacts } from './types.ts';

/** True when the server of a URL runs on our machine; behind a pooler, when the server does, not just the pooler. */
export function isLocal(url: string, profile: ServerProfile | undefined): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (profile?.pooled && !isLocalAddress(profile.host)) return false;
  return parsed !== undefined && isLocalAddress(decodeURIComponent(parsed.searchParams.get('host') ?? parsed.hostname));
}

/** @param cpus CPUs of the server's machine, where they are known. */
export function serverFacts(profile: ServerProfile, cpus: number | null): ServerFacts {
  return {
    version: profile.version,
    versionNumber: profile.versionNumber,
    flavour: profile.flavour,
    pooled: profile.pooled,
    isStandby: profile.isStandby,
    startedAt: profile.startedAt,
    systemIdentifier: profile.systemIdentifier,
    timeline: profile.timeline,
    maxConnections: profile.maxConnections,
    reservedConnections: profile.reservedConnections,
    blockSize: profile.blockSize,
    cpus,
    database: profile.database,
    user: profile.user,
    statementsVersion: profile.statements.version,
    statementsMax: profile.statements.max,
  };
}

/** What the server does not let us read, and what collectors could not, each thing once. */
export function allSkipped(profile: ServerProfile | undefined, ofCollectors: Iterable<Skipped[]>): Skipped[] {
  const all = [...(profile?.skipped ?? []), ...(profile?.statements.skipped ?? []), ...[...ofCollectors].flat()];
  return [...new Map(all.map((skipped) => [`${skipped.subject} ${skipped.reason}`, skipped])).values()];
}
