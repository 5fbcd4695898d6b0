import { predicatesOf, readableIdentifier, readableName } from '../../../sql/index.ts';
import type { Workload, WorkloadStatement } from '../workload/types.ts';
import type { AnalysedStatement, KnownUse } from './candidates/types.ts';
import { tableFinder } from './model/resolver.ts';
import type { DatabaseModel, ForeignKey, TableModel } from './model/types.ts';

export interface Analysis {
  statements: AnalysedStatement[];
  leftOut: { text: string; reason: string }[];
}

/** What the statements of a workload ask of which tables. */
export function analyse(workload: Workload, model: DatabaseModel, user: string): Analysis {
  const statements: AnalysedStatement[] = [];
  const leftOut: Analysis['leftOut'] = [];
  for (const statement of workload.statements) {
    const finder = tableFinder(model, statement.searchPath, user);
    const { predicates, reason } = predicatesOf(statement.text, finder);
    if (!predicates) {
      leftOut.push({ text: statement.text, reason });
      continue;
    }
    const uses = predicates.uses.flatMap((use): KnownUse[] => {
      const table = finder.table(use.schema, use.table);
      return table ? [{ use, table }] : [];
    });
    // What touches no table of the user's has no use for indexes, and may have no plan.
    if (uses.length > 0 || predicates.writes.length > 0)
      statements.push({ statement, uses, writes: predicates.writes });
  }
  return { statements, leftOut };
}

/**
 * What the server asks by itself when rows of a parent go or change their key: whether a row of the child refers to them. As
 * statements, so that an index for it is weighed like any other. Only where the workload deletes from the parent or
 * updates the key.
 */
export function foreignKeyChecks(analysis: Analysis, model: DatabaseModel): AnalysedStatement[] {
  return model.foreignKeys.flatMap((key) => {
    const [child, parent] = [model.tables.get(key.child), model.tables.get(key.parent)];
    if (!child || !parent || isIndexed(child, key)) return [];
    const callsPerHour = analysis.statements
      .filter(({ writes }) =>
        writes.some(
          ({ schema, table, by, columns }) =>
            schema === parent.schema &&
            table === parent.name &&
            (by === 'delete' || (by === 'update' && columns.some((column) => key.parentColumns.includes(column)))),
        ),
      )
      .reduce((sum, { statement }) => sum + statement.callsPerHour, 0);
    return callsPerHour > 0 ? [foreignKeyCheck(key, child, callsPerHour)] : [];
  });
}

function isIndexed({ indexes }: TableModel, { childColumns }: ForeignKey): boolean {
  return indexes.some(({ valid, method, where, keys }) => {
    const leading = keys.slice(0, childColumns.length).map(({ column }) => column);
    return (
      valid && method === 'btree' && where === undefined && childColumns.every((column) => leading.includes(column))
    );
  });
}

/** As ri_triggers.c asks (`RI_FKey_noaction_upd` and its like), without the lock on what is found. */
function foreignKeyCheck(key: ForeignKey, child: TableModel, callsPerHour: number): AnalysedStatement {
  const conditions = key.childColumns.map((column, at) => `$${at + 1} = ${readableIdentifier(column)}`);
  const statement: WorkloadStatement = {
    id: `foreign key ${key.name} of ${child.schema}.${child.name}`,
    text: `SELECT 1 FROM ${readableName(child.schema, child.name)} WHERE ${conditions.join(' AND ')} /* foreign key ${key.name} */`,
    samples: [],
    callsPerHour,
    meanMs: null,
  };
  const { predicates } = predicatesOf(statement.text, {
    relation: () => ({ schema: child.schema, name: child.name, columns: child.columns.map(({ name }) => name) }),
  });
  return { statement, uses: (predicates?.uses ?? []).map((use) => ({ use, table: child })), writes: [] };
}
