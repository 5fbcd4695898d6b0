export { cancelRequest } from './cancel-request.ts';
export type { TransactionClient } from './client.ts';
export type { IsolationLevel, TransactionOptions } from './options.ts';
export { runTransaction } from './run.ts';
