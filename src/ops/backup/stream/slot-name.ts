/** Slots are named in small letters, digits and underscores, at most so many. */
const longest = 63;

/** The name of the slot that a stream has, by the name of the database in the config: `pitcrew_shop`. */
export function slotNameOf(name: string): string {
  return `pitcrew_${name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')}`.slice(0, longest);
}
