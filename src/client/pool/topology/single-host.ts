import { PitcrewError } from '../../../errors.ts';
import { type HostAddress, hostName } from '../host.ts';
import { type ProbeConfig, ProbeConnection } from './probe-connection.ts';
import type { HostState, PrimaryTerm, ProbeAnswer, Topology } from './types.ts';

/**
 * The topology of one host: it is the primary, whatever it says. Nothing is asked and no connection is opened, but for
 * `probe`, which opens one and keeps it.
 */
export function singleHost(address: HostAddress, connection: ProbeConfig, probeTimeoutMs: number): Topology {
  const name = hostName(address);
  const host: HostState = Object.freeze({
    address,
    name,
    role: 'primary',
    healthy: true,
    reason: undefined,
    latencyMs: undefined,
    lagMs: undefined,
    lagBytes: undefined,
    replayedLsn: undefined,
    timeline: undefined,
    pooled: false,
  });
  const term: PrimaryTerm = Object.freeze({ name, timeline: undefined, cluster: undefined, firstLsn: undefined });
  const none: readonly HostState[] = Object.freeze([]);
  let asked: ProbeConnection | undefined;
  /** The question under way, and the one that those wait for who came after it began. */
  let running: Promise<ProbeAnswer> | undefined;
  let next: Promise<ProbeAnswer> | undefined;
  let stopped = false;

  async function ask(): Promise<ProbeAnswer> {
    try {
      asked ??= new ProbeConnection(address, connection, probeTimeoutMs, () => {});
      const { sighting } = await asked.ask(false);
      return { writtenLsn: sighting.written, waited: false, timeline: sighting.timeline };
    } catch {
      return { writtenLsn: undefined, waited: false, timeline: undefined };
    } finally {
      running = undefined;
    }
  }

  function probe(): Promise<ProbeAnswer> {
    if (stopped) return Promise.resolve({ writtenLsn: undefined, waited: false, timeline: undefined });
    if (!running) return (running = ask());
    return (next ??= running.then(() => {
      next = undefined;
      return probe();
    }));
  }

  return {
    primary: () => (stopped ? undefined : host),
    term: () => term,
    replicas: () => none,
    hosts: () => [host],
    hostState: (wanted) => (wanted === name ? host : undefined),
    awaitPrimary: async () => {
      if (stopped) throw new PitcrewError('E_DATABASE_UNREACHABLE', 'the topology was stopped');
      return host;
    },
    reportFailure() {},
    reportNotPrimary() {},
    probe,
    onChange: () => () => {},
    start: () => Promise.resolve(),
    async stop() {
      stopped = true;
      asked?.close();
    },
  };
}
