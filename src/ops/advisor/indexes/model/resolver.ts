import type { RelationResolver, ResolvedRelation } from '../../../../sql/index.ts';
import { schemasOf } from './read-model.ts';
import type { DatabaseModel, TableModel } from './types.ts';

/** Finds tables by name, as the server does for a search_path. */
export interface TableFinder extends RelationResolver {
  table(schema: string | undefined, name: string): TableModel | undefined;
}

/**
 * @param searchPath of the statement; the role's by default. A name that is in none of its schemas, because the
 * application's role has another search_path, means the only table of that name.
 */
export function tableFinder(model: DatabaseModel, searchPath: string | undefined, user: string): TableFinder {
  const path = searchPath === undefined ? model.searchPath : schemasOf(searchPath, user);
  const byName = Map.groupBy(model.tables.values(), ({ name }) => name);
  const table = (schema: string | undefined, name: string): TableModel | undefined => {
    const named = byName.get(name) ?? [];
    if (schema !== undefined) return named.find((each) => each.schema === schema);
    for (const inPath of path) {
      const found = named.find((each) => each.schema === inPath);
      if (found) return found;
    }
    return named.length === 1 ? named[0] : undefined;
  };
  return {
    table,
    relation(schema, name): ResolvedRelation | undefined {
      const found = table(schema, name);
      if (!found) return undefined;
      const columns = found.columns.map((column) => column.name);
      const resolved = { schema: found.schema, name: found.name, columns };
      // A materialised view has rows of its own.
      return found.kind === 'view' ? { ...resolved, definition: found.definition ?? '' } : resolved;
    },
  };
}
