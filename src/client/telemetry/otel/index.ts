export type { OtelRecorder } from './recorder.ts';
export { otelIsRegistered } from './registered.ts';
