/** Words that PostgreSQL reserves (SQL keywords appendix, "reserved" and "reserved (can be function or type)"). */
const reservedWords = new Set(
  `all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation column
  concurrently constraint create cross current_catalog current_date current_role current_schema current_time
  current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze from
  full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
  localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
  returning right select session_user similar some symmetric system_user table tablesample then to trailing true union
  unique user using variadic verbose when where window with`.split(/\s+/),
);

/** True for a word in lower case that cannot name a table without quotes. */
export function isReserved(word: string): boolean {
  return reservedWords.has(word);
}

/** A name as a person writes it in SQL: quoted only where it has to be. For statements shown as advice. */
export function readableIdentifier(name: string): string {
  if (/^[a-z_][a-z0-9_]*$/.test(name) && !reservedWords.has(name)) return name;
  return `"${name.replaceAll('"', '""')}"`;
}

/** `schema.name` as a person writes it. */
export function readableName(schema: string, name: string): string {
  return `${readableIdentifier(schema)}.${readableIdentifier(name)}`;
}
