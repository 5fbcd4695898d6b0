import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode, PitcrewError } from '../../errors.ts';
import { adviceList, type AdvisorStatus, advisorStatus } from '../../server/api/advice.ts';
import type { DaemonClient } from '../daemon-client.ts';
import { progressLine } from '../progress-line.ts';
import { formatMs } from '../screen/format.ts';

type RunKind = 'checks' | 'indexes';

const everyMs = 500;

/** Begins a run, or finds that one is under way. Throws what the daemon answers. */
export function beginRun(client: DaemonClient, kind: RunKind): Promise<AdvisorStatus> {
  return client.ask(advisorStatus, '/advice/run', { body: { kind } });
}

interface Followed {
  client: DaemonClient;
  kind: RunKind;
  /** As it was when it began. */
  status: AdvisorStatus;
  signal: AbortSignal;
  quiet: boolean;
}

/**
 * Waits until a run has ended.
 * @returns how the advisor is then
 * @throws {PitcrewError} why the run failed; what the daemon answers; what the signal is aborted with
 */
export async function followRun({ client, kind, status, signal, quiet }: Followed): Promise<AdvisorStatus> {
  const line = progressLine(quiet);
  const since = status.running?.since;
  const look = async (): Promise<AdvisorStatus> =>
    (await client.ask(adviceList, '/advice', { query: { limit: '1' } })).advisor;
  let now = await look();
  while (now.running && now.running.since === since) {
    line.show(progressOf(now.running));
    await delay(everyMs, undefined, { signal }).catch((error: unknown) => {
      line.end('interrupted');
      throw error;
    });
    now = await look();
  }
  const last = kind === 'checks' ? now.lastChecks : now.lastIndexes;
  const isOurs = last !== null && last.beganAt === since;
  // What could not even be written down is known to the daemon alone.
  const error = isOurs ? last.error : now.failure?.message;
  if (error !== null && error !== undefined) {
    line.end('failed');
    throw failureOf(error, kind, now.failure);
  }
  const took = isOurs && last.endedAt ? Date.parse(last.endedAt) - Date.parse(last.beganAt) : undefined;
  line.end(took === undefined ? 'done' : `done in ${formatMs(took)}`);
  return now;
}

function progressOf({ phase, ratio }: NonNullable<AdvisorStatus['running']>): string {
  return ratio === null ? phase : `${phase}, ${Math.floor(ratio * 100)} %`;
}

/** Why it failed, with its code where the daemon still knows it. */
function failureOf(error: string, kind: RunKind, failure: AdvisorStatus['failure']): PitcrewError {
  const known = failure?.kind === kind && failure.message === error ? failure : undefined;
  const code = known && isErrorCode(known.code) ? known.code : 'E_INTERNAL';
  return new PitcrewError(code, error, { detail: known?.detail ?? undefined, hint: known?.hint ?? undefined });
}
