import type { Routine } from './catalog/index.ts';

/** What an application knows of a function that cannot be looked into: that its result follows from this alone. */
export interface DeclaredReads {
  /** Tables that it reads, `schema.name` or as search_path finds them. None: it computes. */
  tables?: readonly string[];
  /** Settings that it asks for: `['app.tenant']`. */
  settings?: readonly string[];
}

/** By name: `app.visible_to`, or `visible_to` of any schema. Names as the catalog has them, without quotes. */
export type DeclaredFunctions = Readonly<Record<string, DeclaredReads>>;

export function declaredFor(functions: DeclaredFunctions, routine: Routine): DeclaredReads | undefined {
  const name = `${routine.schema}.${routine.name}`;
  if (Object.hasOwn(functions, name)) return functions[name];
  return Object.hasOwn(functions, routine.name) ? functions[routine.name] : undefined;
}
