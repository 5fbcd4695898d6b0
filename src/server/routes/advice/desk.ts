import type { Context } from 'hono';
import { PitcrewError } from '../../../errors.ts';
import type { Advisor } from '../../../ops/advisor/index.ts';
import type { AdviceStore } from '../../../ops/store/index.ts';
import { advisorOf, type AppContext, type Env, pickMonitor, storeOf } from '../../context.ts';

/** Whose advice is asked for. */
export interface AdviceOf {
  database: string;
  targetId: number;
  advisor: Advisor;
  store: AdviceStore;
}

/** @throws {PitcrewError} `E_NOT_FOUND`, `E_STORE_UNAVAILABLE`, `E_UNSUPPORTED`: as what it is made of. */
export async function adviceOf(context: AppContext, database: string | undefined): Promise<AdviceOf> {
  const monitor = pickMonitor(context, database);
  const { advice: store } = storeOf(context);
  const advisor = advisorOf(context, monitor);
  return { database: monitor.name, targetId: await advisor.targetId(), advisor, store };
}

/** Who asks, as far as it is known: the address. */
export function askedBy(c: Context<Env>): string {
  return c.env?.incoming?.socket.remoteAddress ?? 'unknown';
}

/** @throws {PitcrewError} `E_FORBIDDEN` unless the settings allow changes */
export function refuseUnlessEnabled(context: AppContext): void {
  if (context.config.actions.advice) return;
  throw new PitcrewError('E_FORBIDDEN', 'applying and undoing advice is not enabled', {
    detail: 'The setting actions.advice is false.',
    hint: 'Set it in the config file, or PITCREW_ACTIONS_ADVICE=true, where "pitcrew serve" runs.',
  });
}
