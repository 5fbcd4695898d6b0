/** Something that could not be read, why, and what would make it readable. */
export interface Skipped {
  subject: string;
  reason: string;
  /** A GRANT, a setting or a sentence; `null` when nothing can be done (a standby, an older version). */
  fix: string | null;
}
