/** A stretch of time; `to` is not part of it. */
export interface TimeRange {
  from: Date;
  to: Date;
}
