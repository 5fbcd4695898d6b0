import { setTimeout as delay } from 'node:timers/promises';
import { type AdviceDetail, adviceDetail, adviceSummary } from '../../server/api/advice.ts';
import type { DaemonClient } from '../daemon-client.ts';
import { progressLine } from '../progress-line.ts';
import { formatMs } from '../screen/format.ts';

interface Followed {
  client: DaemonClient;
  id: number;
  action: 'apply' | 'undo';
  body: { reason?: string | undefined; force: boolean };
  signal: AbortSignal;
  quiet: boolean;
}

const everyMs = 500;

/** Asks for it, and waits until it has ended or nobody wants to wait any more. Gives what it is then. */
export async function followAdvice({ client, id, action, body, signal, quiet }: Followed): Promise<AdviceDetail> {
  const line = progressLine(quiet);
  const path = `/advice/${id}`;
  await client.ask(adviceSummary, `${path}/${action}`, { body });
  let advice = await client.ask(adviceDetail, path);
  while (isUnderWay(advice) && !signal.aborted) {
    line.show(progressOf(advice));
    await delay(everyMs, undefined, { signal }).catch(() => {});
    if (!signal.aborted) advice = await client.ask(adviceDetail, path);
  }
  line.end(isUnderWay(advice) ? progressOf(advice) : advice.state);
  return advice;
}

export function isUnderWay({ state }: Pick<AdviceDetail, 'state'>): boolean {
  return state === 'applying' || state === 'undoing';
}

/** `1 of 2: building index: scanning table, 34 %, about 2 min 10 s left, waits for session 4711`. */
export function progressOf({ state, progress }: Pick<AdviceDetail, 'state' | 'progress'>): string {
  if (!progress) return `${state} …`;
  const { statement, of, phase, ratio, secondsLeft, waitsFor } = progress;
  return [
    of > 1 ? `${statement} of ${of}: ${phase}` : phase,
    ...(ratio === null ? [] : [`${Math.floor(ratio * 100)} %`]),
    ...(secondsLeft === null ? [] : [`about ${formatMs(secondsLeft * 1000)} left`]),
    ...(waitsFor === null ? [] : [`waits for ${waitsFor}`]),
  ].join(', ');
}
