import { statementPattern } from '../../../sql/index.ts';
import { framesOf } from '../../call-site.ts';
import type { Holder, HolderKind } from './holder.ts';

/** Who holds a connection. */
export interface HolderReport {
  kind: HolderKind;
  /** Line of the application that asked for it, `load (src/orders.ts:12:15)`; `undefined` when it was not looked at. */
  line: string | undefined;
  heldMs: number;
  pid: number | undefined;
  /** The latest statement on it, `?` for values; cut after 200 characters. */
  statement: string | undefined;
  /** The statement has not ended. */
  running: boolean;
  /** Whether it waits for another connection: in the function of its transaction, or somewhere in its request. */
  waits: 'function' | 'request' | undefined;
  /** The request it was asked for in. */
  request: string | undefined;
}

const mostStatement = 200;
/** What is listed of more is their number. */
const mostListed = 10;

export function reportOf(holder: Holder, now: number, waits: HolderReport['waits']): HolderReport {
  const { kind, site, pid, statement, running, scope, since } = holder;
  const pattern = statement === undefined ? undefined : statementPattern(statement).pattern;
  return {
    kind,
    line: site && framesOf(site)[0],
    heldMs: now - since,
    pid,
    statement:
      pattern !== undefined && pattern.length > mostStatement ? `${pattern.slice(0, mostStatement)}…` : pattern,
    running,
    waits,
    request: scope?.name,
  };
}

/** For people: one line each, in the order given, the rest as a number. */
export function describeHolders(reports: readonly HolderReport[]): string {
  const lines = reports.slice(0, mostListed).map(describeHolder);
  const more = reports.length - lines.length;
  if (more > 0) lines.push(`and ${more} more`);
  return lines.join('\n');
}

function describeHolder({ kind, line, heldMs, pid, statement, running, waits, request }: HolderReport): string {
  const place = line === undefined ? 'at a line that was not looked at' : `at ${line}`;
  const who = `${kind} ${place}${request === undefined ? '' : ` for ${request}`}`;
  const doing =
    statement === undefined ? 'without a statement so far' : `${running ? 'running' : 'idle after'} ${statement}`;
  const waiting = {
    function: ', and waits for another connection inside its function',
    request: ', and its request waits for another connection',
    none: '',
  }[waits ?? 'none'];
  return `for ${inSeconds(heldMs)} by ${who}${pid === undefined ? '' : ` (pid ${pid})`}, ${doing}${waiting}`;
}

export function inSeconds(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
