/** A value for `$1`, `$2`, …; lists are sent as array literals. */
export type Parameter = string | number | boolean | null;

/** A connection to a watched database, made for reading catalogs. Statements run one after the other. */
export interface DatabaseConnection {
  /** Host, port and database; never user or password. */
  readonly address: string;
  /** The role that we are. */
  readonly user: string;
  /** `PgBouncer` or the like between us and the server: session settings are sent with every statement. */
  readonly pooled: boolean;
  /** False once it was closed or lost; a lost one does not come back. */
  readonly isOpen: boolean;
  /** Time that the server took to answer our statements so far, without the way there and back: about what we cost it, in ms. */
  readonly answeringMs: number;
  /** Prepares the statement when first seen, then runs it. For catalog statements, whose number is bounded. */
  run<Row extends object>(sql: string, params?: readonly Parameter[]): Promise<Row[]>;
  /**
   * As `run`, but planned with the parameters' values each time: for a long list that is looked up row by row, which only
   * then is hashed.
   */
  runPlanned<Row extends object>(sql: string, params?: readonly Parameter[]): Promise<Row[]>;
  /** Runs a transaction that is read only and always rolled back, under its own timeouts. */
  rolledBack<Result>(limits: TransactionLimits, work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  /** Ends the session. Takes a second at most, never throws. */
  close(): Promise<void>;
}

export interface TransactionLimits {
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/** A transaction under way. */
export interface Transaction {
  /** Runs one statement once, through the extended protocol, which refuses several in one text. */
  execute<Row extends object>(sql: string, params?: readonly Parameter[]): Promise<Row[]>;
  /** Runs a text through the simple protocol. Only for a text that is known to be one statement. */
  simple<Row extends object>(sql: string): Promise<Row[]>;
}
