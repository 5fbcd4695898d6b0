export { ChangeStream } from './change-stream.ts';
export { checkRequirements, type Problem, type RequirementOptions, type Requirements } from './requirements.ts';
export type { Change, ChangeStreamOptions, ChangeStreamStats, Closed, PublishedTable, StreamEvent } from './types.ts';
