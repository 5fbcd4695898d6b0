const EPOCH = 2 ** 32;

/**
 * The whole number of a transaction whose lower 32 bits the stream gives: of all that have these bits, the one nearest to a
 * transaction known to be recent. The server lets no two transactions be 2^31 apart while both matter.
 */
export function widenXid(xid: number, near: number): number {
  const candidate = near - (near % EPOCH) + xid;
  if (candidate - near > EPOCH / 2 && candidate >= EPOCH) return candidate - EPOCH;
  return near - candidate > EPOCH / 2 ? candidate + EPOCH : candidate;
}
