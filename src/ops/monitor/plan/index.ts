export { planFindings } from './findings.ts';
export type { PlanContext, PlanFinding } from './rule.ts';
