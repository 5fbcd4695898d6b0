/** Values of `$1`, `$2`, … as text, `null` for NULL, `undefined` for what is not known of this call. */
export type ParameterSample = readonly (string | null | undefined)[];

/** A sample of which every value is known: a statement can be planned with it. */
export type WholeSample = readonly (string | null)[];

export const isWhole = (sample: ParameterSample): sample is WholeSample => !sample.includes(undefined);

/** A statement of the workload and how much of it there is. */
export interface WorkloadStatement {
  /** Stable within a workload: the query id, or a number for statements of a file. */
  id: string;
  text: string;
  searchPath?: string;
  /** Typical values, the most frequent first; empty when none are known: it is planned generically. */
  samples: readonly ParameterSample[];
  /** The samples are data of the database, and not of whoever asks: no message may show them. */
  samplesAreData?: boolean;
  /** Calls per hour. For a file without weights: 1. */
  callsPerHour: number;
  /** Mean execution time in ms as measured; `null` when not measured (a file). */
  meanMs: number | null;
}

export interface Workload {
  statements: readonly WorkloadStatement[];
  source: 'history' | 'pg_stat_statements' | 'file' | 'telemetry';
  /** Share of the measured time that these statements cover (the rest was cut off or could not be read), 0–1. */
  coverage: number;
  /** What was left out and why, most time first; bounded. */
  leftOut: readonly { text: string; reason: string }[];
}
