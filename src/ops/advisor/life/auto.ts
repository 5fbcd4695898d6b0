import type { Config } from '../../../config/index.ts';
import type { LoggedChange, StoredAdvice } from '../../store/index.ts';
import type { Finding } from '../types.ts';

/** Who asks for what is applied by itself. */
export const autoName = 'pitcrew (auto)';

const dayMs = 86_400_000;
/** Within this time nothing is tried a second time by itself. */
const againAfterMs = 7 * dayMs;
/** Bytes of new indexes are counted over this time. */
export const bytesWithinMs = 30 * dayMs;

export interface AutoInput {
  policy: Config['advisor']['auto'];
  advice: readonly StoredAdvice[];
  /** What was run in the last 30 days. */
  log: readonly LoggedChange[];
  now: Date;
}

/** The next advice to apply by itself within the policy, the greatest gain first; `undefined` when there is none now. */
export function nextByPolicy({ policy, advice, log, now }: AutoInput): StoredAdvice | undefined {
  if (!policy.enabled || !isWithin(policy.hours, now)) return undefined;
  // One at a time: what was applied is measured before the next one confuses the picture.
  if (advice.some(({ state }) => ['applying', 'undoing', 'applied', 'measuring'].includes(state))) return undefined;
  const own = log.filter(({ askedBy, purpose }) => askedBy === autoName && purpose === 'apply');
  const today = new Set(own.filter(({ beganAt }) => now.getTime() - beganAt.getTime() < dayMs).map(attemptOf));
  if (today.size >= policy.maxPerDay) return undefined;
  const tried = new Set(
    log.filter(({ beganAt }) => now.getTime() - beganAt.getTime() < againAfterMs).map(({ adviceId }) => adviceId),
  );
  const made = new Set(own.map(({ adviceId }) => adviceId));
  const taken = advice
    .filter(({ id, state }) => made.has(id) && (state === 'kept' || state === 'measuring' || state === 'applied'))
    .reduce((sum, each) => sum + (remedyOf(each)?.needsBytes ?? 0), 0);
  return advice
    .filter(({ id, state, kind }) => {
      if ((state !== 'found' && state !== 'planned') || tried.has(id)) return false;
      return (policy.kinds as readonly string[]).includes(kind);
    })
    .filter((each) => {
      const remedy = remedyOf(each);
      if (!remedy?.appliable || remedy.risk === 'high') return false;
      // What cannot be told from beforehand is for a person to decide.
      if (each.kind === 'create-index' && remedy.needsBytes === undefined) return false;
      return taken + (remedy.needsBytes ?? 0) <= policy.maxBytesTotal;
    })
    .toSorted((a, b) => gainOf(b) - gainOf(a))[0];
}

const remedyOf = (advice: StoredAdvice): Finding['remedy'] => (advice.finding as Finding).remedy;
const attemptOf = ({ adviceId, subject }: LoggedChange): string => `${adviceId} ${subject}`;

function gainOf({ finding }: StoredAdvice): number {
  const { gain } = finding as Finding;
  return gain?.msPerHour ?? (gain?.bytes ?? 0) / 1e9;
}

/** Whether a time of the day lies within hours such as `22:00-05:00`, in this process's time zone. */
export function isWithin(hours: string | undefined, now: Date): boolean {
  if (hours === undefined) return true;
  const [from = 0, to = 0] = hours.split('-').map((text) => {
    const [hour = 0, minute = 0] = text.split(':').map(Number);
    return hour * 60 + minute;
  });
  const at = now.getHours() * 60 + now.getMinutes();
  return from <= to ? at >= from && at < to : at >= from || at < to;
}
