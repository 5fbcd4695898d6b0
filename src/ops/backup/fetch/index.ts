// What PostgreSQL starts for every segment of the log that it recovers with: nothing is loaded here but what that needs.
export { isRunning } from '../is-running.ts';
export { fetchComplete, fetchWal, notInRepository } from '../wal/fetch.ts';
export { segmentsAfter } from '../wal/segments.ts';
export { type FetchedLog, openLog } from './open-log.ts';
