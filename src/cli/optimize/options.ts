import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/index.ts';
import type { SessionPolicy } from '../../ops/maintenance/index.ts';

/** The parts of `pitcrew optimize`, in the order in which they come. */
const parts = ['metrics', 'explain', 'analyze', 'optimize', 'cleanup'] as const;
export type Part = (typeof parts)[number];

export interface OptimizeOptions extends Partial<Record<Part, boolean>> {
  dryRun?: boolean;
  yes?: boolean;
  json?: boolean;
  quiet?: boolean;
  force?: boolean;
  /** Milliseconds. */
  maxTime: number;
  maxActive: number;
  idleInTransaction: number | null;
  idle: number | null;
  exceptRole: string[];
  exceptApplication: string[];
}

/** What is asked for; everything when nothing is named. */
export function partsOf(options: OptimizeOptions): ReadonlySet<Part> {
  const named = parts.filter((part) => options[part]);
  return new Set(named.length === 0 ? parts : named);
}

export function policyOf({ idleInTransaction, idle, exceptRole, exceptApplication }: OptimizeOptions): SessionPolicy {
  return {
    idleInTransactionMs: idleInTransaction,
    idleMs: idle,
    exceptRoles: exceptRole,
    exceptApplications: exceptApplication,
  };
}

export function parseTime(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms < 1000) throw new InvalidArgumentError('Give a time from 1s on, such as 30m or 2h.');
  return ms;
}

/** A time, or `never`. */
export function parseTimeOrNever(text: string): number | null {
  return text === 'never' ? null : parseTime(text);
}

export function parseSessions(text: string): number {
  const sessions = Number(text);
  if (!Number.isInteger(sessions) || sessions < 1) throw new InvalidArgumentError('Give a whole number from 1 on.');
  return sessions;
}
