import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import { readableIdentifier, readableName } from '../../../../sql/index.ts';

/** Something with a name in a schema. */
export interface Named {
  schema: string;
  name: string;
}

/** `"schema"."name"`, for statements that are run. */
export function quoted({ schema, name }: Named): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** `schema.name` as a person writes it, without `public`: for sentences. */
export function spoken({ schema, name }: Named): string {
  return schema === 'public' ? readableIdentifier(name) : readableName(schema, name);
}

/** The key of a finding: check and object. */
export function keyOf(check: string, { schema, name }: Named, part?: string): string {
  return `${check}:${schema}.${name}${part === undefined ? '' : `.${part}`}`;
}
