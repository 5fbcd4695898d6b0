export type {
  HealthInput,
  InvalidIndex,
  SequenceState,
  SlotState,
  TableScans,
  WindowSum,
  WindowView,
} from './input.ts';
export { createHealthWindow, type HealthWindow, type WindowBatch } from './window.ts';
