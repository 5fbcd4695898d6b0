import type { StatementEffects, TableChange, TableName } from '../description.ts';
import { type Content, contentOf } from './content.ts';
import {
  fieldsOf,
  isNodeName,
  isObject,
  listOf,
  type Node,
  nodeOf,
  textOf,
  type Tree,
  type TreeObject,
} from './tree.ts';

/**
 * Statements that change no row of any table, and run nothing that could: what they prepare or set is run by others. Not those that call
 * event triggers, REINDEX among them.
 */
const inert = new Set(
  `VariableSetStmt VariableShowStmt DiscardStmt ListenStmt UnlistenStmt NotifyStmt PrepareStmt DeallocateStmt FetchStmt
  ClosePortalStmt LockStmt ConstraintsSetStmt VacuumStmt ClusterStmt CheckPointStmt`.split(/\s+/),
);

const nothing: StatementEffects = Object.freeze({
  changes: Object.freeze([]),
  reads: Object.freeze([]),
  functions: Object.freeze([]),
  operators: Object.freeze([]),
  fields: Object.freeze([]),
  types: Object.freeze([]),
});

/**
 * What running a statement changes and calls by its text; `undefined` when the text does not tell: definitions, CALL, DO, EXECUTE.
 * @param content of the statement.
 * @param reads what it reads.
 * @param executed `false` for EXPLAIN without ANALYZE.
 */
export function effectsOf(
  statement: Node,
  content: Content,
  reads: readonly TableName[],
  executed: boolean,
): StatementEffects | undefined {
  if (!executed || inert.has(statement.tag)) return nothing;
  const changes = changesOf(statement);
  if (!changes) return undefined;
  const { functions, operators, fields, types } = content;
  return Object.freeze({
    changes: Object.freeze(changes),
    reads: Object.freeze(reads),
    functions: namesOnce(functions),
    operators: namesOnce(operators),
    fields: Object.freeze([...fields]),
    types: namesOnce(types),
  });
}

/**
 * Of several statements in one text. What one of them sets, those behind it are read by: then nothing is told.
 * @param statements those of the text.
 */
export function combinedEffects(
  statements: readonly Node[],
  effects: readonly (StatementEffects | undefined)[],
): StatementEffects | undefined {
  const setting = statements.some(
    (statement) =>
      /^(?:VariableSet|Discard)Stmt$/.test(statement.tag) ||
      contentOf({ [statement.tag]: statement.fields }).functions.some((name) => name.at(-1) === 'set_config'),
  );
  if (setting || effects.includes(undefined)) return undefined;
  const known = effects.filter((each) => each !== undefined);
  return Object.freeze({
    changes: Object.freeze(known.flatMap(({ changes }) => changes)),
    reads: Object.freeze(known.flatMap(({ reads }) => reads)),
    functions: namesOnce(known.flatMap(({ functions }) => functions)),
    operators: namesOnce(known.flatMap(({ operators }) => operators)),
    fields: Object.freeze([...new Set(known.flatMap(({ fields }) => fields))]),
    types: namesOnce(known.flatMap(({ types }) => types)),
  });
}

function namesOnce(names: readonly (readonly string[])[]): readonly (readonly string[])[] {
  return Object.freeze([...new Map(names.map((name) => [name.join('.'), Object.freeze(name)])).values()]);
}

function changesOf({ tag, fields }: Node): TableChange[] | undefined {
  switch (tag) {
    case 'SelectStmt':
      return fields['intoClause'] ? undefined : queryChanges({ [tag]: fields });
    case 'InsertStmt':
    case 'UpdateStmt':
    case 'DeleteStmt':
    case 'MergeStmt':
    case 'DeclareCursorStmt':
      return queryChanges({ [tag]: fields });
    case 'CopyStmt':
      return fields['is_from'] === true ? changesBy(['insert'], fields['relation']) : queryChanges({ [tag]: fields });
    case 'ExplainStmt': {
      const query = nodeOf(fields['query']);
      return query && changesOf(query);
    }
    case 'TruncateStmt': {
      const how = fields['behavior'] === 'DROP_CASCADE' ? 'truncate cascade' : 'truncate';
      return listOf(fields['relations']).flatMap((table) => changesBy([how], fieldsOf(table, 'RangeVar')));
    }
    case 'RefreshMatViewStmt':
      return changesBy(['refresh'], fields['relation']);
    case 'TransactionStmt':
      // What another transaction has prepared.
      return fields['kind'] === 'TRANS_STMT_COMMIT_PREPARED' ? undefined : [];
    default:
      return undefined;
  }
}

/** The changes of a query and of those within it (WITH). */
function queryChanges(tree: Tree | undefined): TableChange[] {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).flatMap(queryChanges);
  if (!isObject(tree)) return [];
  return Object.entries(tree).flatMap(([field, value]) => {
    const within = queryChanges(value);
    const by = isNodeName(field) && isObject(value) ? waysOf(field, value) : [];
    return by.length > 0 && isObject(value) ? [...changesBy(by, value['relation']), ...within] : within;
  });
}

function waysOf(tag: string, fields: TreeObject): TableChange['by'][] {
  switch (tag) {
    case 'InsertStmt': {
      const conflict = isObject(fields['onConflictClause']) ? fields['onConflictClause']['action'] : undefined;
      return conflict === 'ONCONFLICT_UPDATE' ? ['insert', 'update'] : ['insert'];
    }
    case 'UpdateStmt':
      return ['update'];
    case 'DeleteStmt':
      return ['delete'];
    case 'MergeStmt': {
      const commands = listOf(fields['mergeWhenClauses']).map(
        (clause) => textOf(fieldsOf(clause, 'MergeWhenClause')?.['commandType']) ?? '',
      );
      return (['insert', 'update', 'delete'] as const).filter((by) => commands.includes(`CMD_${by.toUpperCase()}`));
    }
    default:
      return [];
  }
}

function changesBy(ways: readonly TableChange['by'][], table: Tree | undefined): TableChange[] {
  const name = isObject(table) ? textOf(table['relname']) : undefined;
  if (!isObject(table) || name === undefined) return [];
  const schema = textOf(table['schemaname']);
  return ways.map((by) => Object.freeze({ schema, name, only: table['inh'] !== true, by }));
}
