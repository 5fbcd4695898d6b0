import { readFileSync } from 'node:fs';
import { text as readAll } from 'node:stream/consumers';
import { messageOf, PitcrewError } from '../../errors.ts';

export interface InputOptions {
  /** The command's argument. */
  statement: string | undefined;
  /** A file, `-` for stdin. */
  file: string | undefined;
  queryid: string | undefined;
}

/** What is to be explained: a text (a statement or a plan), or the id of a statement that the server knows. */
export type ExplainInput = { text: string; queryid?: never } | { queryid: string; text?: never };

/** @throws {PitcrewError} `E_USAGE` when nothing or more than one thing is given, or a file cannot be read */
export async function readInput({ statement, file, queryid }: InputOptions): Promise<ExplainInput> {
  const given = [statement, file, queryid].filter((each) => each !== undefined);
  if (given.length > 1) {
    throw new PitcrewError('E_USAGE', 'more than one thing to explain is given', {
      hint: 'Give a statement, --file or --queryid.',
    });
  }
  if (queryid !== undefined) {
    if (!/^-?\d{1,20}$/.test(queryid)) {
      throw new PitcrewError('E_USAGE', '--queryid must be a number', {
        detail: `Found "${queryid}".`,
        hint: 'pg_stat_statements shows it as queryid, the dashboard on the page of a statement.',
      });
    }
    return { queryid };
  }
  const text = await textOf(statement, file);
  if (text.trim() === '') {
    throw new PitcrewError('E_USAGE', 'there is nothing to explain', {
      hint: 'Give a statement, or EXPLAIN’s output with --file, --file - or by a pipe.',
    });
  }
  return { text };
}

async function textOf(statement: string | undefined, file: string | undefined): Promise<string> {
  if (statement !== undefined && statement !== '-') return statement;
  if (file === undefined || file === '-') {
    const isNamed = file === '-' || statement === '-';
    return isNamed || !process.stdin.isTTY ? readAll(process.stdin) : '';
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new PitcrewError('E_USAGE', `the file "${file}" cannot be read`, { detail: messageOf(error) });
  }
}
