import { counted } from '../words.ts';
import { neverRun } from './figures.ts';
import type { PlanRule } from './rule.ts';

/** Fewer parallel workers came than were planned: the plan was chosen for more. */
export const missingWorkers: PlanRule = {
  id: 'workers-missing',
  look({ node }) {
    const planned = node.figure('Workers Planned') ?? 0;
    const launched = node.figure('Workers Launched');
    if (launched === undefined || launched >= planned || neverRun(node)) return undefined;
    return {
      severity: launched === 0 ? 'warning' : 'info',
      message: `${launched === 0 ? 'None' : counted(launched)} of ${counted(planned)} planned parallel workers came`,
      advice:
        'All were busy: raise max_parallel_workers (and max_worker_processes), or let fewer statements run in parallel.',
    };
  },
};

/** A node that is switched off, and was planned because there is no other way. */
export const disabledNode: PlanRule = {
  id: 'disabled-node',
  look({ node }) {
    if (!node.disabled) return undefined;
    return {
      severity: 'info',
      message: 'It is switched off by a setting (enable_…) and was planned because there is no other way',
      advice: 'Switch it on again, or give it another way, such as an index.',
    };
  },
};
