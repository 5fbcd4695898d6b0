import type { TriggerFigures } from '../tree/types.ts';
import { counted, duration, percent } from '../words.ts';
import type { WholeRule } from './rule.ts';

/** Compiling took a good part of the time. */
export const jitCost: WholeRule = {
  id: 'jit-cost',
  look({ jit, executionMs }) {
    const total = jit?.totalMs ?? 0;
    if (!jit || executionMs === undefined || total < 20 || total < executionMs * 0.1) return undefined;
    const share = total / executionMs;
    return {
      severity: share >= 0.25 ? 'warning' : 'info',
      message: `Compiling ${counted(jit.functions)} functions (JIT) took ${duration(total)} of ${duration(executionMs)}, ${percent(share)}`,
      advice: 'Raise jit_above_cost above the cost of this plan, or SET jit = off for it.',
    };
  },
};

/** Triggers took a good part of the time; those of foreign keys mostly for want of an index. */
export const triggerTime: WholeRule = {
  id: 'trigger-time',
  look({ triggers, executionMs, root }) {
    const slowest = triggers.toSorted((a, b) => (b.ms ?? 0) - (a.ms ?? 0))[0];
    if (!slowest || slowest.ms === null || executionMs === undefined) return undefined;
    if (slowest.ms < 10 || slowest.ms < executionMs * 0.2) return undefined;
    const removing = root.operation === 'Delete' || root.operation === 'Update';
    return {
      severity: 'warning',
      message: `${nameOf(slowest)} took ${duration(slowest.ms)} of ${duration(executionMs)} in ${counted(slowest.calls)} calls`,
      advice:
        slowest.constraint === undefined
          ? 'Do in one statement what the trigger does for each row: a trigger FOR EACH STATEMENT with transition tables.'
          : removing
            ? 'An index on the columns of the table that refers here spares searching it whole for each row.'
            : 'It looks up each row in the table that is referred to; load in larger steps, or add the constraint after loading.',
    };
  },
};

function nameOf({ constraint, name }: TriggerFigures): string {
  return constraint === undefined ? `The trigger ${name}` : `Checking the foreign key ${constraint}`;
}

/** Planning takes longer than running. */
export const planningTime: WholeRule = {
  id: 'planning-time',
  look({ planningMs, executionMs, nodes }) {
    if (planningMs === undefined || executionMs === undefined || planningMs < 10 || planningMs < executionMs)
      return undefined;
    return {
      severity: planningMs > executionMs * 3 ? 'warning' : 'info',
      message: `Planning took ${duration(planningMs)}, running it ${duration(executionMs)}`,
      advice:
        nodes.length > 100
          ? 'A condition on the partition key, or fewer partitions, leaves less to plan.'
          : 'A prepared statement is planned once; fewer tables in one statement are planned faster.',
    };
  },
};
