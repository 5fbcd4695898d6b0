/** A time zone in which the day has hours to go and has been going for hours: what is made now and a little later is of one day, week, month and year. */
export function noonZone(): string {
  const east = 12 - new Date().getUTCHours();
  // Names of these have their signs the other way round.
  return `Etc/GMT${east > 0 ? '-' : '+'}${Math.abs(east)}`;
}
