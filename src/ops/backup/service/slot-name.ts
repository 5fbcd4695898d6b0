/** Names of slots are at most so long. */
const longest = 63;

/** The slot by which a server keeps its log for us: after the database's name in the settings. */
export function slotName(name: string): string {
  return `pitcrew_${name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`.slice(0, longest);
}
