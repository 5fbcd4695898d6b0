import { setTimeout as delay } from 'node:timers/promises';
import { isErrorCode, PitcrewError } from '../../errors.ts';
import { type AdviceList, adviceList, type AdvisorStatus, advisorStatus } from '../../server/api/advice.ts';
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
 * Waits until a run has ended, and gives the advice that is of its kind as it is then.
 * @throws {PitcrewError} why the run failed; what the daemon answers; what the signal is aborted with
 */
export async function followRun({ client, kind, status, signal, quiet }: Followed): Promise<AdviceList> {
  const line = progressLine(quiet);
  const since = status.running?.since;
  let running = status.running;
  let list = await client.ask(adviceList, '/advice');
  while (running && running.since === since) {
    line.show(progressOf(running));
    await delay(everyMs, undefined, { signal }).catch((error: unknown) => {
      line.end('interrupted');
      throw error;
    });
    list = await client.ask(adviceList, '/advice');
    ({ running } = list.advisor);
  }
  const last = kind === 'checks' ? list.advisor.lastChecks : list.advisor.lastIndexes;
  const isOurs = last !== null && last.beganAt === since;
  // What could not even be written down is known to the daemon alone.
  const error = isOurs ? last.error : list.advisor.failure?.message;
  if (error !== null && error !== undefined) {
    line.end('failed');
    throw failureOf(error, kind, list.advisor.failure);
  }
  const took = isOurs && last.endedAt ? Date.parse(last.endedAt) - Date.parse(last.beganAt) : undefined;
  line.end(took === undefined ? 'done' : `done in ${formatMs(took)}`);
  return kind === 'checks' ? list : aboutIndexes(list);
}

/** What a choice of indexes has to say. */
function aboutIndexes(list: AdviceList): AdviceList {
  const advice = list.advice.filter(({ kind }) => kind === 'create-index' || kind === 'drop-index');
  return { ...list, advice, untold: [] };
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
