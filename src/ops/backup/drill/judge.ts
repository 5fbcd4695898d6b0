import { DatabaseError } from 'pg';
import { messageOf } from '../../../errors.ts';
import { most } from '../verify/found.ts';

/** What has been found, in plain words; of each a bounded number. */
export interface Findings {
  problems: string[];
  notes: string[];
  problem(text: string): void;
  note(text: string): void;
}

/** So long is what is told at most. */
const longest = 500;

export function findings(): Findings {
  const problems: string[] = [];
  const notes: string[] = [];
  const add = (list: string[], text: string): void => {
    const line = text.replaceAll(/\s+/g, ' ').slice(0, longest);
    if (list.length < most && !list.includes(line)) list.push(line);
  };
  return { problems, notes, problem: (text) => add(problems, text), note: (text) => add(notes, text) };
}

/** Why something could not be looked at here, which says nothing of the backup; `undefined` when what failed is the backup's. */
export function reasonNotHere(error: unknown): string | undefined {
  if (!(error instanceof DatabaseError)) return undefined;
  const { code, message } = error;
  if (isOutOfTime(error)) return 'there was no time left';
  if (code === '53100') return 'the disk here is full';
  if (code === '55P03') return 'a prepared transaction has it locked';
  // A file of a table that is missing has this code too.
  if (code === '58P01' && message.startsWith('could not access file'))
    return `a library is not installed here (${message})`;
  if (code === '0A000' || code === '55000') return message;
  return undefined;
}

/** Whether a statement took longer than it may. */
export const isOutOfTime = (error: unknown): boolean => error instanceof DatabaseError && error.code === '57014';

/** Whether the server did not answer any more, rather than answer with an error. */
export const isGone = (error: unknown): boolean =>
  !(error instanceof DatabaseError) || ['57P01', '57P02'].includes(error.code ?? '');

/** An error as the server says it, without what may have rows in it. */
export const saidOf = (error: unknown): string => messageOf(error);
