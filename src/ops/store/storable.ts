/** Any text, as PostgreSQL takes it: no NUL character, no half of a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '');
}
