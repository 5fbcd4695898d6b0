export { callsForIndex } from './calls-for-index.ts';
export { readRewriteCatalog, rewriteCatalog, tablesNamed } from './catalog.ts';
export { findingsOf, planFindings } from './findings.ts';
export { looksLikePlan, readPlan, type ReadPlan } from './read/read-plan.ts';
export { misestimate } from './rules/estimates.ts';
export type { PlanContext, PlanFinding } from './rules/rule.ts';
export { planShape } from './shape.ts';
export { planOf } from './tree/plan.ts';
export type { Actual, Buffers, ExplainedPlan, Own, PlanNode } from './tree/types.ts';
