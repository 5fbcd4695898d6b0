import { hash } from 'node:crypto';
import type { Session } from './dependencies/index.ts';
import { writeParameters } from './parameters.ts';

/** What of a call, besides its parameters, decides over what the server answers. */
export interface KeyedStatement {
  readonly text: string;
  readonly session: Session;
  /** Values of the settings that are `keyInputs` of its dependencies, by name; all of them. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
}

/**
 * The part of a key that does not change from call to call: 43 characters. To be remembered by who asks often. Two that
 * differ in anything named above differ, as surely as SHA-256 can tell.
 */
export function statementKey({ text, session, inputs }: KeyedStatement): string {
  const { database, role, sessionUser, searchPath, schemas, settings } = session;
  return digest(
    JSON.stringify([text, [database, role, sessionUser, searchPath, schemas], sorted(settings), sorted(inputs ?? {})]),
  );
}

/**
 * The key of a result: a hash of 43 characters (SHA-256, base64url) of the statement's part and the parameters. `undefined` when a
 * parameter cannot be told by its value: then the result is not to be kept.
 */
export function queryKey(statement: string, parameters: readonly unknown[]): string | undefined {
  if (parameters.length === 0) return statement;
  const written = writeParameters(parameters);
  return written === undefined ? undefined : digest(statement + written);
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url');
}

function sorted(values: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(values).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
