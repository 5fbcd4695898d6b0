import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, PitcrewError, toPitcrewError } from '../../../errors.ts';
import type { AdviceRunKind, AdviceState, StoredAdvice } from '../../store/index.ts';
import { type Begun, begin, inspect, notInState } from './apply/carry-out.ts';
import { type ChangePatience, usualPatience } from './apply/logged.ts';
import { reconcile } from './apply/reconcile.ts';
import { autoName, bytesWithinMs, nextByPolicy } from './auto.ts';
import type { Desk } from './desk.ts';
import { listIndexes } from './list-indexes.ts';
import { followUp } from './measure/follow-up.ts';
import { recheck } from './recheck.ts';
import { requireChoosable } from './run/index-round.ts';
import { runOnce } from './runs.ts';
import { allowedFrom, isMeasured } from './states.ts';
import type { Advisor, AdvisorEvent, AdvisorOptions, AdvisorStatus, Asked, RunState } from './types.ts';

/** Checks begin so much later than the daemon, so that history and the first look at the database come first. */
const firstChecksAfterMs = 60_000;
/** Between two attempts to clean up after what failed. */
const longestPauseMs = 5 * 60_000;
/** Until something is applied by itself again, after it was refused. */
const pauseAfterRefusalMs = 10 * 60_000;
/** What is measured changes slowly, and costs the store something to read. */
const followEveryTicks = 6;
/** So long after something was applied its check is asked again. */
const recheckAfterMs = 60_000;
/** How long cancelling and cleaning up may take when the advisor ends. */
const stopPatienceMs = 20_000;
/** How long a run may take to give up when the advisor ends. */
const runPatienceMs = 3000;

/**
 * Looks after the advice of one database: runs checks and chooses indexes from time to time, applies on request or by policy, measures, keeps
 * or takes back, and finds out what became of changes whose maker was killed.
 * @example
 * ```ts
 * const advisor = createAdvisor({ name: 'shop', url, store, config: config.advisor, logger });
 * await advisor.run('checks', { by: 'ann' });
 * await advisor.idle();
 * await advisor.stop();
 * ```
 */
export function createAdvisor(options: AdvisorOptions): Advisor {
  const { name, url, store, config, logger } = options;
  const patience: ChangePatience = { ...usualPatience, ...options.patience };
  const tickMs = options.tickMs ?? 10_000;
  const isOwner = options.isOwner ?? (() => true);
  const stopping = new AbortController();
  const listeners = new Set<(event: AdvisorEvent) => void>();
  /** Changes and runs that are under way. */
  const changes = new Set<Promise<unknown>>();
  const runs = new Set<Promise<unknown>>();
  let target: Promise<number> | undefined;
  let running: RunState | undefined;
  let failure: AdvisorStatus['failure'] = null;
  let ticking: Promise<void> | undefined;
  let failedInARow = 0;
  let findOutAt = 0;
  let autoAt = 0;
  let followAt = 0;
  const startedAt = Date.now();
  const next: Record<AdviceRunKind, number> = { checks: startedAt + firstChecksAfterMs, indexes: Infinity };

  function tell(event: AdvisorEvent): void {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        logger.warn({ database: name, reason: messageOf(error) }, 'a listener failed');
      }
    }
  }
  const targetId = (): Promise<number> => {
    target ??= store.target(name).catch((error: unknown) => {
      target = undefined;
      throw error;
    });
    return target;
  };
  const deskOf = async (): Promise<Desk> => ({
    name,
    url,
    targetId: await targetId(),
    store: store.advice,
    patience,
    logger,
    tell({ id, state }) {
      if (state === 'applied') followAt = 0;
      tell({ type: 'advice', id, state });
    },
  });
  const roundOf = ({ targetId: id }: Desk) => ({
    name,
    url,
    targetId: id,
    history: store.history,
    replicas: options.replicas?.() ?? [],
    machine: options.machine?.() ?? null,
  });
  async function find(desk: Desk, id: number): Promise<StoredAdvice> {
    const advice = await desk.store.get(desk.targetId, id);
    if (advice) return advice;
    throw new PitcrewError('E_NOT_FOUND', `there is no advice ${id}`, {
      detail: `None of that number is known for "${name}".`,
      hint: '"pitcrew advise list" lists it.',
    });
  }

  async function change(purpose: 'apply' | 'undo', id: number, asked: Asked): Promise<Begun> {
    const desk = await deskOf();
    const advice = await find(desk, id);
    if (!allowedFrom[purpose].includes(advice.state)) throw notInState(advice, purpose);
    if (purpose === 'apply') await recheck(desk, roundOf(desk), advice);
    const { by, reason, force = false } = asked;
    const begun = await begin(desk, { advice, purpose, by, reason, force, signal: stopping.signal });
    keep(changes, begun.ended);
    return begun;
  }

  async function applyAll(ids: readonly number[], asked: Asked): Promise<void> {
    try {
      for (const id of ids) await (await change('apply', id, asked)).ended;
    } catch (error) {
      logger.warn({ database: name, reason: messageOf(error) }, 'the advised indexes were not all applied');
    }
  }

  async function decide(action: 'dismiss' | 'reopen', id: number, { by, reason }: Asked): Promise<StoredAdvice> {
    const desk = await deskOf();
    const advice = await find(desk, id);
    const to = action === 'dismiss' ? 'dismissed' : 'found';
    const changed = await desk.store.change({
      targetId: desk.targetId,
      id,
      from: allowedFrom[action],
      to,
      by,
      reason,
      at: new Date(),
      declined: action === 'dismiss',
    });
    if (!changed) throw notInState(advice, action);
    desk.tell(changed);
    return changed;
  }

  async function run(kind: AdviceRunKind, asked: { by: string; budgetBytes?: number | undefined }): Promise<RunState> {
    if (running?.kind === kind) return running;
    if (running) {
      throw new PitcrewError('E_CONFLICT', 'another run is under way', { detail: `It is ${running.phase}.` });
    }
    if (kind === 'indexes') requireChoosable(options.indexAdviser, options.isStandby?.() ?? false);
    const state: RunState = { kind, since: new Date(), phase: 'beginning', ratio: null };
    running = state;
    tell({ type: 'advice-run', kind, running: true });
    const ended = deskOf()
      .then((desk) =>
        runOnce({
          desk,
          store,
          round: roundOf(desk),
          indexAdviser: options.indexAdviser,
          kind,
          by: asked.by,
          beganAt: state.since,
          budgetBytes: asked.budgetBytes ?? config.budget,
          signal: stopping.signal,
          onProgress: (progress) => Object.assign(state, progress),
        }),
      )
      .then(
        () => {
          failure = null;
        },
        (error: unknown) => {
          failure = { kind, error: toPitcrewError(error) };
          if (!stopping.signal.aborted)
            logger.warn({ database: name, kind, reason: messageOf(error) }, 'advice could not be looked for');
        },
      )
      .finally(() => {
        running = undefined;
        tell({ type: 'advice-run', kind, running: false });
      });
    keep(runs, ended);
    return state;
  }

  async function applyByPolicy(desk: Desk): Promise<void> {
    if (!config.auto.enabled || Date.now() < autoAt) return;
    const now = new Date();
    const log = await desk.store.changes({
      targetId: desk.targetId,
      since: new Date(now.getTime() - bytesWithinMs),
      limit: 10_000,
    });
    const known = (query: { states: AdviceState[]; kinds?: readonly string[] }) =>
      desk.store.list({ targetId: desk.targetId, ...query });
    const [done, open] = await Promise.all([
      known({ states: ['applying', 'undoing', 'applied', 'measuring', 'kept'] }),
      known({ states: ['found', 'planned'], kinds: config.auto.kinds }),
    ]);
    const advice = nextByPolicy({ policy: config.auto, advice: [...done, ...open], log, now });
    if (!advice) return;
    try {
      await change('apply', advice.id, { by: autoName });
    } catch (error) {
      // A transaction that lasts, a backup, a doubt: it may be over later.
      autoAt = Date.now() + pauseAfterRefusalMs;
      logger.info(
        { database: name, advice: advice.id, reason: messageOf(error) },
        'advice is not applied by itself now',
      );
    }
  }

  /** Brings up when the next runs are due from when the last ones were. */
  async function plan(desk: Desk): Promise<void> {
    if (!config.enabled) return;
    const due = async (kind: AdviceRunKind, everyMs: number): Promise<number> => {
      const last = await desk.store.lastRun({ targetId: desk.targetId, kind, finished: false });
      return Math.max(startedAt + firstChecksAfterMs, (last?.beganAt.getTime() ?? 0) + everyMs);
    };
    const last = await desk.store.lastRun({ targetId: desk.targetId, kind: 'checks', finished: false });
    const applied = (await desk.store.list({ targetId: desk.targetId, states: ['applied'] })).filter(
      ({ kind, stateSince }) => !isMeasured(kind) && stateSince > (last?.beganAt ?? new Date(0)),
    );
    next.checks = Math.min(
      await due('checks', config.checkInterval),
      ...applied.map(({ stateSince }) => stateSince.getTime() + recheckAfterMs),
    );
    next.indexes = options.indexAdviser ? await due('indexes', config.indexInterval) : Infinity;
  }

  /** What cannot be cleaned up now is tried again, but less and less often: each attempt is in the log. */
  async function findOut(desk: Desk): Promise<void> {
    if (Date.now() < findOutAt) return;
    try {
      await reconcile(desk);
      failedInARow = 0;
    } catch (error) {
      failedInARow += 1;
      findOutAt = Date.now() + Math.min(tickMs * 2 ** failedInARow, longestPauseMs);
      throw error;
    }
  }

  async function tick(): Promise<void> {
    if (!isOwner() || store.status().state === 'away') return;
    const desk = await deskOf();
    await findOut(desk);
    if (Date.now() >= followAt) {
      followAt = Date.now() + followEveryTicks * tickMs;
      await followUp(desk, { history: store.history, bounds: config.measure, signal: stopping.signal });
    }
    await applyByPolicy(desk);
    await plan(desk);
    const now = Date.now();
    const isIndexesDue = now >= next.indexes && options.isStandby?.() !== true;
    const kind = now >= next.checks ? 'checks' : isIndexesDue ? 'indexes' : undefined;
    if (kind && config.enabled && !running && !stopping.signal.aborted) await run(kind, { by: 'pitcrew' });
  }

  let complaint: string | undefined;
  const timer = setInterval(() => {
    ticking ??= tick()
      .then(
        () => {
          complaint = undefined;
        },
        (error: unknown) => {
          const reason = messageOf(error);
          if (reason !== complaint) logger.warn({ database: name, reason }, 'advice could not be looked after');
          complaint = reason;
        },
      )
      .finally(() => {
        ticking = undefined;
      });
  }, tickMs);
  timer.unref();

  const ofChanges = (): Promise<unknown>[] => [...changes, ...(ticking ? [ticking] : [])];
  const idle = (): Promise<void> => settled(() => [...ofChanges(), ...runs]);

  return {
    name,
    targetId,
    status: () => ({
      enabled: config.enabled,
      auto: config.auto.enabled,
      elsewhere: !isOwner(),
      running: running ?? null,
      nextChecks: dateOf(next.checks, config.enabled),
      nextIndexes: dateOf(next.indexes, config.enabled),
      failure,
    }),
    run,
    async inspect(id, purpose) {
      const desk = await deskOf();
      const advice = await find(desk, id);
      if (!allowedFrom[purpose].includes(advice.state)) throw notInState(advice, purpose);
      return inspect(desk, advice, purpose);
    },
    apply: async (id, asked) => (await change('apply', id, asked)).advice,
    undo: async (id, asked) => (await change('undo', id, asked)).advice,
    applyAll: (ids, asked) => keep(changes, applyAll(ids, asked)),
    indexes: (page) => listIndexes(url, page),
    dismiss: (id, asked) => decide('dismiss', id, asked),
    reopen: (id, asked) => decide('reopen', id, asked),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    idle,
    async stop() {
      clearInterval(timer);
      stopping.abort();
      // What cannot be cleaned up in time is found out about by the next daemon.
      await Promise.race([settled(ofChanges), delay(stopPatienceMs, undefined, { ref: false })]);
      // What only reads need not be waited for.
      await Promise.race([Promise.allSettled(runs), delay(runPatienceMs, undefined, { ref: false })]);
      listeners.clear();
    },
  };
}

/** Waits until nothing is under way any more: what ends may begin something. */
async function settled(underWay: () => Promise<unknown>[]): Promise<void> {
  for (let all = underWay(); all.length > 0; all = underWay()) await Promise.allSettled(all);
}

/** Remembers what is under way until it has ended. */
function keep(all: Set<Promise<unknown>>, promise: Promise<unknown>): void {
  const kept = promise.finally(() => all.delete(kept));
  kept.catch(() => {});
  all.add(kept);
}

function dateOf(ms: number, isPlanned: boolean): Date | null {
  return isPlanned && Number.isFinite(ms) ? new Date(ms) : null;
}
