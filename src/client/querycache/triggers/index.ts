export { type Removed, removeTriggers } from './remove-triggers.ts';
export { TriggerStream } from './trigger-stream.ts';
export type { TriggerStreamOptions } from './types.ts';
