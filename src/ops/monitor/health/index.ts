export type {
  BackupFacts,
  HealthInput,
  InvalidIndex,
  SequenceState,
  SlotState,
  TableScans,
  WindowSum,
  WindowView,
} from './input.ts';
export { createHealthWindow, type HealthWindow, largeTableRows, type WindowBatch } from './window.ts';
export { healthDocs } from './docs.ts';
export { gradeOf, healthReport } from './report.ts';
export { type Verdict, verdicts } from './verdicts.ts';
