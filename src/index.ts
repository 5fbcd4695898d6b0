export { defineConfig } from './config/index.ts';
export { PitcrewError, type ErrorCode } from './errors.ts';
