import { type SubjectName, subjects } from './subjects.ts';
import { type CaseName, caseNames } from './workload.ts';

/** One case with so many callers: every subject takes its turn in each round. */
export interface Cell {
  case: CaseName;
  callers: number;
  rounds: number;
  warmUpMs: number;
  measureMs: number;
}

export interface PlanOptions {
  /** One short round of fewer cells: to see that it works. */
  quick: boolean;
  case: CaseName | undefined;
  callers: number | undefined;
  rounds: number | undefined;
}

const callerCounts = [1, 10, 100, 1000];

/** What is measured, in its order. The whole of it takes a quarter of an hour, so most rounds go to what the aims are about. */
export function plan({ quick, case: only, callers, rounds }: PlanOptions): Cell[] {
  return (only === undefined ? caseNames : [only]).flatMap((name) => {
    const usual = !quick ? callerCounts : name === 'point' ? [1, 100, 1000] : [100];
    return (callers === undefined ? usual : [callers]).map((count) => ({
      case: name,
      callers: count,
      rounds: rounds ?? (quick ? 1 : name === 'point' && (count === 1 || count === 100) ? 7 : 3),
      // In the mixed case the server is busy with the slow statements, and few of the others are done.
      warmUpMs: (quick ? 200 : 400) + (name === 'mixed' && !quick ? 200 : 0),
      measureMs: (quick ? 250 : 1000) + (name === 'mixed' ? 500 : 0),
    }));
  });
}

/**
 * A client in C with as many connections as there are callers, and, where these are more than the others may open, with
 * as many as those.
 */
export function floorClients(callers: number, connections: number): number[] {
  if (callers <= connections) return [callers];
  // A thousand connections are more than a server of this size is made for.
  return callers <= 100 ? [connections, callers] : [connections];
}

export const floorName = 'pgbench, prepared';
export const subjectNames = Object.keys(subjects) as SubjectName[];

/** Who comes when: each round begins with another one, and every second round goes backwards. */
export function orderOf<Item>(items: readonly Item[], round: number, rounds: number): Item[] {
  const first = (round * Math.ceil(items.length / rounds)) % items.length;
  const rotated = [...items.slice(first), ...items.slice(0, first)];
  return round % 2 === 0 ? rotated : rotated.toReversed();
}
