export { type PlanContext, type PlanFinding, planFindings } from './findings.ts';
