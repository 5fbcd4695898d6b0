import { messageOf } from '../../../errors.ts';
import type { AdviceRunKind, Document, Store } from '../../store/index.ts';
import type { Finding } from '../types.ts';
import type { Desk } from './desk.ts';
import { type CheckRound, checkReport, checkRound } from './run/check-round.ts';
import { type IndexAdviser, indexAnswers, indexReport, requireChoosable } from './run/index-round.ts';
import { type Answered, mergeFindings } from './run/merge.ts';
import type { RunState } from './types.ts';

export interface RunOptions {
  desk: Desk;
  store: Store;
  round: Omit<CheckRound, 'only'>;
  indexAdviser: IndexAdviser | undefined;
  kind: AdviceRunKind;
  by: string;
  beganAt: Date;
  budgetBytes: number | undefined;
  signal: AbortSignal;
  onProgress: (progress: Pick<RunState, 'phase' | 'ratio'>) => void;
}

/** Runs checks or chooses indexes, and merges what is found with the advice that is known. Throws what went wrong, and writes it down. */
export async function runOnce(options: RunOptions): Promise<void> {
  const { desk, kind, by, beganAt } = options;
  const { store, targetId } = desk;
  const id = await store.beginRun({ targetId, kind, askedBy: by, at: beganAt });
  try {
    const { answers, report } = await (kind === 'checks' ? runChecks(options) : chooseIndexes(options));
    const changes = mergeFindings(await store.known(targetId), answers, beganAt);
    await store.save(targetId, changes, { at: new Date(), by: 'pitcrew' });
    await store.endRun(id, { at: new Date(), report });
  } catch (error) {
    await store.endRun(id, { at: new Date(), error: messageOf(error) }).catch(() => {});
    throw error;
  }
}

interface Ran {
  answers: Answered[];
  report: Document;
}

async function runChecks({ round, onProgress }: RunOptions): Promise<Ran> {
  onProgress({ phase: 'asking all checks', ratio: null });
  const results = await checkRound(round);
  return { answers: results, report: checkReport(results) };
}

async function chooseIndexes(options: RunOptions): Promise<Ran> {
  const { desk, store, indexAdviser, budgetBytes, onProgress, signal } = options;
  const choose = requireChoosable(indexAdviser, false);
  const { url, targetId } = desk;
  const advised = await desk.store.list({ targetId, states: ['found', 'planned'], kinds: ['drop-index'] });
  const choice = await choose({
    url,
    targetId,
    history: store.history,
    budgetBytes,
    drops: advised.map(({ finding }) => finding as Finding),
    onProgress,
    signal,
  });
  return { answers: indexAnswers(choice), report: indexReport(choice) };
}
