/** What time it is in the shop, whose day is short so that there is something to see. */
export interface ShopTime {
  /** Hour of the shop's day, 0 to 24. */
  hour: number;
  /** How busy the shop is, beside 1 for a usual hour: quiet at night, busiest in the evening, more in a flash sale. */
  load: number;
  /** Everybody wants one product. */
  flashSale: boolean;
  /** The nightly reports are made. */
  reports: boolean;
  /** A release went wrong: some statements fail until it is taken back. */
  badRelease: boolean;
}

/** Length of a day of the shop in milliseconds. */
export const DAY_MS = 600_000;
const OPENING_HOUR = 8;

/** The time in the shop so many milliseconds after the demo was started, which is always at 8 in the morning. */
export function shopTime(elapsedMs: number): ShopTime {
  const hour = (OPENING_HOUR + (elapsedMs / DAY_MS) * 24) % 24;
  const flashSale = hour >= 12 && hour < 13.5;
  return {
    hour,
    load: 0.3 + 0.6 * peak(hour, 11, 2.5) + 1 * peak(hour, 20, 2.5) + (flashSale ? 1.2 : 0),
    flashSale,
    reports: hour >= 2 && hour < 3.5,
    badRelease: hour >= 15.5 && hour < 16.2,
  };
}

/** A bell curve around an hour of the day. */
function peak(hour: number, at: number, width: number): number {
  const distance = Math.min(Math.abs(hour - at), 24 - Math.abs(hour - at));
  return Math.exp(-((distance / width) ** 2) / 2);
}
