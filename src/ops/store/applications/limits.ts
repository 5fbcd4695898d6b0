/**
 * Who reports has a token, but may still be wrong: names made from ids, or a new name for every process. What is beyond a
 * limit is counted together.
 */
export const limits = {
  /** Applications of a database that were seen within a day. */
  applications: 50,
  /** Statements of a database, of all applications together, likewise. */
  statements: 5000,
  /** Sites, scopes and repetitions of one statement, each likewise. */
  callers: 60,
  /** Kinds of requests of an application, and its timers, each likewise. */
  activities: 300,
  /** Caches of an application, likewise. */
  caches: 50,
  /** Tiers of a cache, its groups of keys, and causes and reasons, each likewise. */
  cacheParts: 200,
  /** Processes of an application whose reports are known apart; those seen longest ago are forgotten. */
  instances: 2000,
  /** Endpoints of an application. */
  endpoints: 20,
} as const;

/** The name of what is beyond a limit. */
export const otherName = 'other';
/** Likewise of statements; the library uses the same for what is beyond its own limit. */
export const otherFingerprint = '0';
/** Under it, all statements of an application are kept together as well; no report can name it. */
export const wholeFingerprint = '';
/** Likewise of requests: all of an application together. Also the name of its pools, and of a cache as a whole. */
export const wholeName = '';
