import type pg from 'pg';
import type { Problem } from '../stream/index.ts';
import { type Coverage, coveredTables } from './coverage.ts';
import { triggerRequirementsSql } from './coverage-sql.ts';
import { functionSchema } from './trigger-function.ts';

interface Found {
  standby: boolean;
  role: string;
  schemaThere: boolean;
  mayCreate: boolean;
  mayNotify: boolean;
  prepared: number;
}

/** What stands in the way, and what is to be said though it does not. */
export interface TriggerRequirements {
  problems: Problem[];
  remarks: Problem[];
}

/** Looks, without changing anything, whether changes can be told by triggers, and names everything that stands in the way. */
export async function checkTriggerRequirements(
  client: pg.ClientBase,
  createTriggers: boolean,
): Promise<TriggerRequirements> {
  const { rows } = await client.query<Found>(triggerRequirementsSql);
  const [found] = rows;
  if (!found) throw new Error('the server has not answered');
  const problems: Problem[] = [];
  if (found.standby) {
    problems.push({ message: 'the server is a standby', hint: 'A standby takes no LISTEN: connect to the primary.' });
  }
  if (!found.mayNotify) {
    problems.push({
      message: 'not everyone may execute pg_notify, so that statements would fail by the triggers',
      hint: 'GRANT EXECUTE ON FUNCTION pg_catalog.pg_notify(text, text) TO PUBLIC.',
    });
  }
  if (createTriggers && !found.standby && !found.mayCreate) {
    problems.push({
      message: `the role ${found.role} may not make the triggers' function`,
      hint: found.schemaThere
        ? `GRANT CREATE, USAGE ON SCHEMA ${functionSchema} TO ${found.role}.`
        : `GRANT CREATE ON DATABASE … TO ${found.role}, or let the owner of the tables make the triggers.`,
    });
  }
  const remarks: Problem[] = [];
  if (found.prepared > 0) {
    remarks.push({
      message:
        'PREPARE TRANSACTION fails in a transaction that has written to a table with triggers, as after every NOTIFY',
      hint: 'Do without the triggers where two-phase commit is used: removeTriggers takes them away.',
    });
  }
  return { problems, remarks };
}

/** What else stands in the way, once it is known which triggers there are. */
export function coverageRefusals(coverage: Coverage, createTriggers: boolean): Problem[] {
  if (createTriggers) return coverage.strangers.map(strangeFunction);
  if (coveredTables(coverage).size > 0) return [];
  return [
    {
      message: 'no table has triggers that tell of its changes',
      hint: 'Allow them with createTriggers: true, as a role that owns the tables.',
    },
  ];
}

/** A function that triggers may not call. */
export function strangeFunction(name: string): Problem {
  return {
    message: `the function ${functionSchema}.${name} belongs to a role that could change what it does`,
    hint: 'It runs with the rights of whoever writes: let a role that is trusted own it, or drop it.',
  };
}
