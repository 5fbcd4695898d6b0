export { type Consistency, type ConsistencyOptions, createConsistency } from './consistency.ts';
