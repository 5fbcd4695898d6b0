/** Counts failures by address over a sliding window, in bounded memory. */
export function createAttempts({
  limit,
  windowMs,
  maxAddresses = 1000,
}: {
  limit: number;
  windowMs: number;
  maxAddresses?: number;
}) {
  const failures = new Map<string, number[]>();

  const recent = (address: string): number[] =>
    (failures.get(address) ?? []).filter((at) => at > Date.now() - windowMs);

  return {
    /** Records a failure. */
    failed(address: string): void {
      const times = [...recent(address), Date.now()].slice(-limit);
      // Taken out and put back, the address is the youngest; the oldest leaves when there are too many.
      failures.delete(address);
      failures.set(address, times);
      const oldest = failures.keys().next().value;
      if (failures.size > maxAddresses && oldest !== undefined) failures.delete(oldest);
    },

    /** Seconds until the address may try again; 0 when it may now. */
    waitSeconds(address: string): number {
      const times = recent(address);
      const [first] = times;
      return times.length < limit || first === undefined ? 0 : Math.ceil((first + windowMs - Date.now()) / 1000);
    },
  };
}
