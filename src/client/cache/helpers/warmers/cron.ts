import { PitcrewError } from '../../../../errors.ts';

/** minute, hour, day of the month, month, day of the week: what each may be. */
const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

const horizonYears = 8;

/** Times of a schedule, as the five fields of `crontab(5)` say them. */
export interface CronTimes {
  /** The first minute of the schedule after a moment, in this process's time zone. */
  after(moment: Date): Date;
}

/**
 * Reads `minute hour day month weekday` with `*`, lists, ranges and steps: `"30 4 * * 1-5"`, `"*\/15 8-18 * * *"`. Sunday is 0 or
 * 7. Where both day and weekday are restricted, either will do, as `crontab(5)` has it. Times that a change of the clock leaves out
 * come right after it.
 * @throws `E_CONFIG` for what cannot be read, and for days that never come
 */
export function cronTimes(text: string): CronTimes {
  const fields = text.trim().split(/\s+/);
  if (fields.length !== ranges.length) throw unreadable(text, 'It must have five fields.');
  const allowed = fields.map((field, i) => allowedIn(text, field, ...(ranges[i] as readonly [number, number])));
  const [minutes, hours, days, months, weekdays] = allowed as [Allowed, Allowed, Allowed, Allowed, Allowed];
  if (weekdays.has(7)) weekdays.add(0);
  const anyDay = fields[2]?.startsWith('*') === true;
  const anyWeekday = fields[4]?.startsWith('*') === true;

  const isDay = (at: Date): boolean => {
    if (!months.has(at.getMonth() + 1)) return false;
    const byDay = days.has(at.getDate());
    const byWeekday = weekdays.has(at.getDay());
    return anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday;
  };
  const after = (moment: Date): Date => {
    const at = new Date(moment);
    at.setSeconds(0, 0);
    at.setMinutes(at.getMinutes() + 1);
    const end = at.getFullYear() + horizonYears;
    while (at.getFullYear() <= end) {
      if (!isDay(at)) at.setHours(24, 0);
      else if (!hours.has(at.getHours())) at.setHours(at.getHours() + 1, 0);
      else if (!minutes.has(at.getMinutes())) at.setMinutes(at.getMinutes() + 1);
      else return at;
    }
    throw unreadable(text, 'That day never comes.');
  };
  after(new Date());
  return { after };
}

type Allowed = Set<number>;

function allowedIn(text: string, field: string, low: number, high: number): Allowed {
  const allowed: Allowed = new Set();
  for (const part of field.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part);
    if (!match) throw unreadable(text, `"${part}" is no number, range or step.`);
    const [, from, to, step] = match.map((each) => (each === undefined ? undefined : Number(each)));
    const first = from ?? low;
    const last = to ?? (from === undefined || step !== undefined ? high : from);
    if (first < low || last > high || first > last || step === 0) {
      throw unreadable(text, `"${part}" is not within ${low}-${high}.`);
    }
    for (let each = first; each <= last; each += step ?? 1) allowed.add(each);
  }
  return allowed;
}

function unreadable(text: string, detail: string): PitcrewError {
  return new PitcrewError('E_CONFIG', `"${text}" is no schedule`, {
    detail,
    hint: 'Give minute, hour, day, month and weekday, such as "30 4 * * 1-5".',
  });
}
