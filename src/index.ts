export { type ErrorCode, PitcrewError } from './errors.ts';
