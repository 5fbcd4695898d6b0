import { availableParallelism } from 'node:os';
import type { ServerProfile } from '../../engine/postgres/index.ts';
import type { ServerFacts } from './types.ts';

/** True when a URL points at the machine we run on: loopback or a Unix socket. */
export function isLocal(url: string): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed) return false;
  const host = decodeURIComponent(parsed.searchParams.get('host') ?? parsed.hostname).replace(/^\[|\]$/g, '');
  return host === '' || host.startsWith('/') || host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** @param cpus As configured; on our own machine they are counted. */
export function serverFacts(profile: ServerProfile, local: boolean, cpus: number | undefined): ServerFacts {
  return {
    version: profile.version,
    versionNumber: profile.versionNumber,
    flavour: profile.flavour,
    isStandby: profile.isStandby,
    startedAt: profile.startedAt,
    systemIdentifier: profile.systemIdentifier,
    timeline: profile.timeline,
    maxConnections: profile.maxConnections,
    reservedConnections: profile.reservedConnections,
    blockSize: profile.blockSize,
    cpus: cpus ?? (local ? availableParallelism() : null),
    database: profile.database,
    user: profile.user,
    statementsVersion: profile.statements.version,
    statementsMax: profile.statements.max,
  };
}
