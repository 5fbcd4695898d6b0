import type { Config } from '../../../../config/index.ts';
import { parseAddress } from '../../../../engine/postgres/index.ts';
import { messageOf } from '../../../../errors.ts';
import type { History, StoredAdvice } from '../../../store/index.ts';
import { begin } from '../apply/carry-out.ts';
import { statementsIn } from '../apply/statements-in.ts';
import type { Desk } from '../desk.ts';
import { isMeasured } from '../states.ts';
import { measure } from './measure.ts';

const by = 'pitcrew';

export interface FollowUp {
  history: History;
  bounds: Config['advisor']['measure'];
  signal: AbortSignal;
}

/** Measures what was applied, and keeps it or takes it back. Each step is written down, so that it goes on after a restart. */
export async function followUp(desk: Desk, options: FollowUp): Promise<void> {
  const { store, targetId } = desk;
  const due = await store.list({ targetId, states: ['applied', 'measuring'] });
  const measured = due.filter(({ kind }) => isMeasured(kind));
  if (measured.length === 0) return;
  const database = parseAddress(desk.url)?.database ?? '';
  for (const advice of measured) {
    if (options.signal.aborted) return;
    await followOne(desk, options, advice, database);
  }
}

async function followOne(desk: Desk, options: FollowUp, advice: StoredAdvice, database: string): Promise<void> {
  const { store, targetId } = desk;
  const { id } = advice;
  const { history, bounds, signal } = options;
  const measurement = await measure({ history, targetId, database, bounds, now: new Date() }, advice);
  const change = { targetId, id, by, at: new Date(), measurement };
  if (advice.state === 'applied') {
    const changed = await store.change({ ...change, from: ['applied'], to: 'measuring' });
    if (changed) desk.tell(changed);
    return;
  }
  const { verdict, reason } = measurement;
  if (verdict === 'unknown') {
    await store.setMeasurement(id, measurement);
    if (reason !== reasonOf(advice)) desk.tell({ ...advice, measurement });
    return;
  }
  // An index that does not help costs room and writes; dropping one frees both.
  const isWorth = verdict === 'better' || (verdict === 'same' && advice.kind === 'drop-index');
  if (isWorth || statementsIn(advice, 'undo').length === 0) {
    const changed = await store.change({ ...change, reason, from: ['measuring'], to: 'kept' });
    if (changed) desk.tell(changed);
    return;
  }
  await store.setMeasurement(id, measurement);
  try {
    const { ended } = await begin(desk, { advice, purpose: 'undo', by, reason, force: true, signal });
    await ended;
  } catch (error) {
    desk.logger.warn(
      { database: desk.name, advice: id, reason: messageOf(error) },
      'advice that did not help cannot be undone now; tried again later',
    );
  }
}

function reasonOf({ measurement }: StoredAdvice): unknown {
  return measurement !== null && 'reason' in measurement ? measurement.reason : undefined;
}
