/** A host that answers and says it is a primary. */
export interface Claim {
  name: string;
  timeline: number | undefined;
  cluster: string | undefined;
}

export interface Election<Claimant extends Claim> {
  winner: Claimant | undefined;
  /** Why hosts that claim to be the primary are not, in words; `undefined` when there is nothing to say. */
  dispute: string | undefined;
}

/**
 * Which of the hosts that say so is the primary. The highest timeline wins: it began with the last promotion. A host on a
 * timeline below one already seen has been promoted over, even when it is the only one that answers: what it would take
 * now is lost. Among equals the one we knew stays, else the one listed first.
 *
 * `known` is the last winner, answering or not. `knownListed`: its host is still in the list, in that cluster as far as
 * we know; then no other cluster is believed.
 */
export function elect<Claimant extends Claim>(
  claims: readonly Claimant[],
  known: Claim | undefined,
  knownListed: boolean,
): Election<Claimant> {
  const disputes: string[] = [];
  let candidates = [...claims];
  if (known?.cluster !== undefined && knownListed) {
    const foreign = candidates.filter(({ cluster }) => cluster !== undefined && cluster !== known.cluster);
    for (const { name } of foreign) disputes.push(`${name} belongs to another cluster and is not used`);
    candidates = candidates.filter((claim) => !foreign.includes(claim));
  }
  const sameCluster = ({ cluster }: Claim): boolean =>
    cluster === undefined || known?.cluster === undefined || cluster === known.cluster;
  const floor = known && candidates.every(sameCluster) ? (known.timeline ?? 0) : 0;
  // Where timelines cannot be read, there is nothing to hold against a host.
  const timelineOf = ({ timeline }: Claim): number => timeline ?? floor;
  const highest = Math.max(floor, ...candidates.map(timelineOf));
  for (const claim of candidates.filter((each) => timelineOf(each) < highest))
    disputes.push(
      `${claim.name} says it is a primary, on timeline ${claim.timeline}; timeline ${highest} has taken its place`,
    );
  const equals = candidates.filter((claim) => timelineOf(claim) === highest);
  const winner = equals.find(({ name }) => name === known?.name) ?? equals[0];
  for (const claim of equals.filter((each) => each !== winner))
    disputes.push(
      `${claim.name} says it is a primary on the same timeline as ${winner?.name}, which ` +
        `${winner?.name === known?.name ? 'was the primary before' : 'is listed first'} and stays`,
    );
  return { winner, dispute: disputes.length > 0 ? disputes.join('; ') : undefined };
}
