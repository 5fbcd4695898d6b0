import type { FunctionReference } from '../../../sql/index.ts';
import type { Catalog, Operator, Relation, Routine, Type } from './catalog/index.ts';
import { refuse } from './refusal.ts';
import type { Session } from './session.ts';

/** Finds what names stand for, as the server does for a session: the first schema of its search path that has one. */
export class Names {
  readonly #catalog: Catalog;
  readonly #session: Session;
  /** Temporary schemas are looked up for tables and types only, and what is in them is known by name alone. */
  readonly #schemas: readonly string[];
  readonly #visible: ReadonlySet<string>;
  readonly #temporary: ReadonlySet<string>;

  constructor(catalog: Catalog, session: Session) {
    this.#catalog = catalog;
    this.#session = session;
    this.#schemas = session.schemas.filter((schema) => !isTemporarySchema(schema));
    this.#visible = new Set(this.#schemas);
    this.#temporary = new Set(session.temporary);
  }

  get hasTemporary(): boolean {
    return this.#session.temporary.length > 0;
  }

  relation(schema: string | undefined, name: string): Relation {
    if (schema === undefined && this.#temporary.has(name)) refuse(`${name} is a temporary table of this session`);
    if (schema !== undefined && isTemporarySchema(schema)) refuse(`${schema}.${name} is a temporary table`);
    const found = this.#first(schema, (from) => this.#catalog.relationNamed(from, name));
    return found ?? refuse(`${schema === undefined ? name : `${schema}.${name}`} is not known`);
  }

  /** The type of a name: of its own, or the row of a relation. */
  type(names: readonly string[]): Type | Relation | undefined {
    const { schema, name } = qualified(names);
    if (schema === undefined && this.#temporary.has(name)) refuse(`${name} is a temporary type of this session`);
    return this.#first(
      schema,
      (from) => this.#catalog.typeNamed(from, name) ?? this.#catalog.relationNamed(from, name),
    );
  }

  /** All functions that a call may mean. */
  routines(call: FunctionReference): readonly Routine[] {
    const { schema, name } = qualified(call.name);
    const given = call.arguments;
    return this.#catalog
      .routinesNamed(name)
      .filter((routine) => this.#reaches(schema, routine.schema))
      .filter(({ fewest, most }) => given === undefined || (fewest <= given && given <= most));
  }

  operators(names: readonly string[]): readonly Operator[] {
    const { schema, name } = qualified(names);
    return this.#catalog.operatorsNamed(name).filter((operator) => this.#reaches(schema, operator.schema));
  }

  #reaches(asked: string | undefined, schema: string): boolean {
    return asked === undefined ? this.#visible.has(schema) : asked === schema;
  }

  #first<Found>(schema: string | undefined, find: (schema: string) => Found | undefined): Found | undefined {
    if (schema !== undefined) return find(schema);
    for (const from of this.#schemas) {
      const found = find(from);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

function isTemporarySchema(schema: string): boolean {
  return /^pg_(?:toast_)?temp(?:_|$)/.test(schema);
}

/** A name with a database before it is that of the database at hand, or an error. */
function qualified(names: readonly string[]): { schema: string | undefined; name: string } {
  return { schema: names.at(-2), name: names.at(-1) ?? '' };
}
