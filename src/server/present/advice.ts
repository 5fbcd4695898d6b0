import type { z } from '@hono/zod-openapi';
import {
  actionsOf,
  type Advisor,
  type ChangeProgress,
  type Finding,
  type Measurement,
} from '../../ops/advisor/index.ts';
import type {
  AdviceEvent,
  AdviceRun,
  AdviceStore,
  AppliedAdvice,
  LoggedChange,
  StoredAdvice,
} from '../../ops/store/index.ts';
import type {
  AdviceDetail,
  AdviceSummary,
  AdvisorStatus,
  appliedAdvice,
  LoggedChange as PresentedChange,
} from '../api/advice.ts';
import { iso } from './values.ts';

/** A finding as the store has it: what we wrote ourselves. */
export function findingOf({ finding }: StoredAdvice): Finding {
  return finding as Finding;
}

/** @param allowed Whether the settings allow changes. */
export function presentAdvice(advice: StoredAdvice): AdviceSummary {
  const finding = findingOf(advice);
  const { subject, gain, remedy, title } = finding;
  const measurement = advice.measurement as Measurement | null;
  const { id, check, kind, severity, state } = advice;
  return {
    id,
    check,
    kind,
    severity,
    state,
    stateSince: advice.stateSince.toISOString(),
    firstSeen: advice.firstSeen.toISOString(),
    lastSeen: advice.lastSeen.toISOString(),
    title,
    subject: {
      kind: subject.kind,
      schema: subject.schema ?? null,
      table: subject.table ?? null,
      name: subject.name,
    },
    gain,
    risk: remedy?.risk ?? null,
    actions: actionsOf(state, finding),
    progress: advice.progress as ChangeProgress | null,
    effect: measurement?.effect ?? null,
    verdict: measurement?.verdict ?? null,
  };
}

export function presentDetail(
  database: string,
  actionsEnabled: boolean,
  advice: StoredAdvice,
  events: readonly AdviceEvent[],
  changes: readonly LoggedChange[],
): AdviceDetail {
  const { explanation, evidence, remedy, affected } = findingOf(advice);
  return {
    database,
    actionsEnabled,
    ...presentAdvice(advice),
    explanation,
    evidence: [...evidence],
    remedy: remedy && {
      fix: [...remedy.fix],
      undo: [...remedy.undo],
      risk: remedy.risk,
      riskDetail: remedy.riskDetail,
      appliable: remedy.appliable,
      needsBytes: remedy.needsBytes ?? null,
    },
    affected: [...(affected ?? [])],
    measurement: advice.measurement as Measurement | null,
    history: events.map(({ at, ...event }) => ({ at: at.toISOString(), ...event })),
    changes: changes.map(presentChange),
  };
}

export function presentApplied(applied: readonly AppliedAdvice[]): z.infer<typeof appliedAdvice> {
  return applied.map(({ at, ...advice }) => ({ at: at.toISOString(), ...advice }));
}

export function presentChange(change: LoggedChange): PresentedChange {
  const { id, adviceId, subject, purpose, statement, askedBy, outcome, durationMs, error, sqlState, resolution } =
    change;
  return {
    id,
    adviceId,
    subject,
    purpose,
    statement,
    askedBy,
    beganAt: change.beganAt.toISOString(),
    endedAt: iso(change.endedAt),
    outcome,
    durationMs,
    error,
    sqlState,
    resolution,
  };
}

/** What the advisor does and did. */
export async function presentAdvisor(advisor: Advisor, store: AdviceStore, targetId: number): Promise<AdvisorStatus> {
  const { enabled, elsewhere, auto, running, nextChecks, nextIndexes, failure } = advisor.status();
  const last = (kind: AdviceRun['kind']) => store.lastRun({ targetId, kind, finished: false });
  const [checks, indexes] = await Promise.all([last('checks'), last('indexes')]);
  return {
    enabled,
    elsewhere,
    auto,
    running: running && { ...running, since: running.since.toISOString() },
    lastChecks: presentRun(checks),
    lastIndexes: presentRun(indexes),
    nextChecks: iso(nextChecks),
    nextIndexes: iso(nextIndexes),
    failure: presentFailure(failure),
  };
}

function presentFailure(failed: ReturnType<Advisor['status']>['failure']): AdvisorStatus['failure'] {
  if (!failed) return null;
  const { code, message, detail = null, hint = null } = failed.error;
  return { kind: failed.kind, code, message, detail, hint };
}

function presentRun(run: AdviceRun | undefined): AdvisorStatus['lastChecks'] {
  if (!run) return null;
  const { kind, askedBy, beganAt, endedAt, error } = run;
  return { kind, askedBy, beganAt: beganAt.toISOString(), endedAt: iso(endedAt), error };
}
