/** A server as it was seen at one moment. Moments are whole microseconds since 1970, by the server's clock. */
export interface Sight {
  /** Shared by all servers of a cluster: replicas, copies, restored backups. */
  system: string | null;
  /** As the server sees it; `null` through a socket. */
  address: string | null;
  /** `null` when this role may not see it. */
  dataDirectory: string | null;
  standby: boolean;
  timeline: number | null;
  startedAt: number;
  /** When each kind of cumulative statistics began. They survive a clean stop, and begin anew after a crash. */
  statisticsSince: (number | null)[];
  /** When it was looked at. */
  at: number;
}

/** A sight as one text, to be kept with what was counted. Compare two with `isSameServer`. */
export function identityOf(sight: Sight): string {
  return JSON.stringify(sight);
}

/**
 * Whether the server that answers now is the one that was seen before, so that its counters go on where they were. Neither
 * the address nor the system identifier tells: a pod comes back at another address, and a replica has the identifier of
 * its primary. In doubt it is another one: that costs what was counted since the last look, while the counters of a
 * replica taken for those of its primary would be counted as if they had happened just now.
 */
export function isSameServer(before: string, now: string): boolean {
  if (before === now) return true;
  const [then, sight] = [parse(before), parse(now)];
  if (!sight) return false;
  if (!then) return before === firstForm(sight);
  if (then.system !== null && sight.system !== null && then.system !== sight.system) return false;
  // No two start in the same microsecond. It goes on, wherever its address leads from now on, and also when promoted.
  if (then.startedAt === sight.startedAt) return true;
  // It ran already when the other one was seen.
  if (sight.startedAt <= then.at) return false;
  const pairs = sight.statisticsSince.map((since, index) => [then.statisticsSince[index] ?? null, since] as const);
  const known = pairs.filter((pair): pair is readonly [number, number] => pair[0] !== null && pair[1] !== null);
  // Statistics that are older than the last look and yet not those that were seen.
  if (known.some(([seen, since]) => since !== seen && since <= then.at)) return false;
  const inPlace =
    then.address === sight.address &&
    (then.dataDirectory === null || sight.dataDirectory === null || then.dataDirectory === sight.dataDirectory);
  if (inPlace) return true;
  // At another address: the same when its statistics came along, and it is not a copy that was made a replica.
  const keptAll = known.length > 0 && known.every(([seen, since]) => since === seen);
  return keptAll && then.standby === sight.standby && then.timeline === sight.timeline;
}

/** The form that histories carry which were begun by versions before this one. */
function firstForm({ system, address, dataDirectory }: Sight): string {
  return [system, address, dataDirectory].map((part) => part ?? '?').join(' ');
}

function parse(identity: string): Sight | undefined {
  return identity.startsWith('{') ? (JSON.parse(identity) as Sight) : undefined;
}
