/** What a result was read from: a table, or those of its rows that have certain keys. */
export interface Dependency {
  /** The table's OID; of a partitioned table, those of its partitions as well. */
  readonly table: number;
  /** Keys as `keyOf` writes them, of the columns of the replica identity. Without: all rows. */
  readonly keys?: readonly string[] | undefined;
}

/**
 * Writes the values of a key as one text, as they come in the change stream: PostgreSQL's text output, in the order of the
 * columns in the table. Texts of PostgreSQL never hold a zero byte.
 */
export function keyOf(values: readonly string[]): string {
  return values.join('\0');
}
