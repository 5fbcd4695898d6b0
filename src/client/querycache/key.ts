import { hash, randomUUID } from 'node:crypto';
import type { Session } from './dependencies/index.ts';
import { writeParameters } from './parameters.ts';

/** What of a call, besides its parameters, decides over what its result looks like. */
export interface KeyedStatement {
  readonly text: string;
  readonly session: Session;
  /** Values of the settings that are `keyInputs` of its dependencies, by name; all of them. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  readonly rowMode?: 'array' | undefined;
  /** Results in binary form. */
  readonly binary?: boolean | undefined;
  /** Type parsers of the call's own: their results are shared within this process only. */
  readonly types?: object | undefined;
}

/**
 * The part of a key that does not change from call to call: 43 characters. To be remembered by who asks often. Two that
 * differ in anything named above differ, as surely as SHA-256 can tell.
 */
export function statementKey({ text, session, inputs, rowMode, binary, types }: KeyedStatement): string {
  const { database, role, sessionUser, searchPath, schemas, settings } = session;
  return digest(
    JSON.stringify([
      text,
      [database, role, sessionUser, searchPath, schemas],
      sorted(settings),
      sorted(inputs ?? {}),
      rowMode ?? 'object',
      binary ?? false,
      types ? nameOf(types) : null,
    ]),
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

const thisProcess = randomUUID();
const typeNames = new WeakMap<object, string>();
let typesSeen = 0;

/** Functions have no value that could be compared, nor mean the same to another process. */
function nameOf(types: object): string {
  let name = typeNames.get(types);
  if (name === undefined) typeNames.set(types, (name = `${thisProcess} ${++typesSeen}`));
  return name;
}
