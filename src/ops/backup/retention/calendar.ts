/** Spans of the calendar that a moment lies in, in some time zone: two moments are of the same day when these are equal. */
export interface CalendarSpans {
  /** `2026-11-30` */
  day: string;
  /** ISO 8601, from Monday on: `2026-W49` */
  week: string;
  /** `2026-11` */
  month: string;
  /** `2026` */
  year: string;
}

const dayMs = 86_400_000;

/** @param timeZone of the IANA database, such as `Europe/Berlin` @throws {RangeError} for one that does not exist */
export function calendarOf(timeZone: string): (at: Date) => CalendarSpans {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
    const [year = '', month = '', day = ''] = ['year', 'month', 'day'].map((type) => parts.get(type as 'year'));
    return {
      day: `${year}-${month}-${day}`,
      week: isoWeek(Date.UTC(+year, +month - 1, +day)),
      month: `${year}-${month}`,
      year,
    };
  };
}

/** A week belongs to the year that its Thursday is in (ISO 8601). `day`: midnight in UTC. */
function isoWeek(day: number): string {
  const fromMonday = (new Date(day).getUTCDay() + 6) % 7;
  const thursday = new Date(day + (3 - fromMonday) * dayMs);
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / dayMs / 7) + 1;
  return `${year}-W${String(week).padStart(2, '0')}`;
}
