import { messageOf } from '../../../errors.ts';
import { connectDatabase, probeProfile } from '../../../engine/postgres/index.ts';
import type { CheckContext, ReplicaSession } from '../types.ts';
import { unaskedReplicas } from './replicas.ts';

/** Where a replica is. */
export interface ReplicaAddress {
  name: string;
  url: string;
}

export interface OpenCheckContextOptions extends Partial<
  Pick<CheckContext, 'indexHistory' | 'machine' | 'exact' | 'thresholds'>
> {
  /** The primary, or the only server. */
  url: string;
  /** What the database is called where replicas are named; its address by default. */
  name?: string;
  /** Replicas to ask too, under the same database. Those that the servers know of beside these count as not reached. */
  replicas?: readonly ReplicaAddress[];
  /** statement_timeout of what the checks read; 20,000 by default. */
  statementTimeoutMs?: number;
}

/** What checks are run with; its sessions end with it. */
export type OpenCheckContext = CheckContext & AsyncDisposable;

/**
 * Opens a read-only session with the primary and with every replica given. A replica that cannot be reached, or is not one of
 * this database, is named among those not reached, with the reason.
 * @throws {PitcrewError} `E_DATABASE_UNREACHABLE`, `E_DATABASE_REFUSED`, `E_CONFIG`, `E_UNSUPPORTED`: the primary's only.
 * @example
 * ```ts
 * await using context = await openCheckContext({ url, replicas: [{ name: 'reports', url: replicaUrl }] });
 * for (const { check, answer } of await runChecks(context)) console.log(check, answer.status);
 * ```
 */
export async function openCheckContext(options: OpenCheckContextOptions): Promise<OpenCheckContext> {
  const statementTimeoutMs = options.statementTimeoutMs ?? 20_000;
  const open = async (name: string, url: string): Promise<ReplicaSession> => {
    const connection = await connectDatabase({ url, statementTimeoutMs });
    try {
      return { name, connection, profile: await probeProfile(connection) };
    } catch (error) {
      await connection.close();
      throw error;
    }
  };
  const primary = await open('primary', options.url);
  const replicas: ReplicaSession[] = [];
  const unreached: string[] = [];
  const close = async (): Promise<void> => {
    await Promise.all([primary, ...replicas].map(({ connection }) => connection.close()));
  };
  try {
    for (const { name, url } of options.replicas ?? []) {
      try {
        const replica = await open(name, url);
        const mismatch = whyNotReplica(primary, replica, options.name ?? primary.connection.address);
        if (mismatch) {
          await replica.connection.close();
          unreached.push(`${name} (${mismatch})`);
        } else replicas.push(replica);
      } catch (error) {
        unreached.push(`${name} (${messageOf(error)})`);
      }
    }
    unreached.push(...(await unaskedReplicas([primary, ...replicas])));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    connection: primary.connection,
    profile: primary.profile,
    replicas,
    unreachedReplicas: unreached,
    indexHistory: options.indexHistory ?? null,
    machine: options.machine ?? null,
    exact: options.exact ?? false,
    ...(options.thresholds ? { thresholds: options.thresholds } : {}),
    [Symbol.asyncDispose]: close,
  };
}

/** Why its figures must not be added to the primary's; `undefined` when they may. */
function whyNotReplica(primary: ReplicaSession, replica: ReplicaSession, name: string): string | undefined {
  if (!replica.profile.isStandby) return 'it is not a standby';
  const ids = [primary.profile.systemIdentifier, replica.profile.systemIdentifier];
  if (ids[0] !== null && ids[1] !== null && ids[0] !== ids[1]) return `it is not a replica of ${name}`;
  if (primary.profile.database !== replica.profile.database) return `its database is ${replica.profile.database}`;
  return undefined;
}
