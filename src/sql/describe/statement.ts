import type { StatementDescription, StatementKind, TableName } from '../description.ts';
import { type Content, contentOf } from './content.ts';
import { effectsOf } from './effects.ts';
import type { Judge } from './functions.ts';
import { relationsOf } from './relations.ts';
import { fieldsOf, listOf, type Node, nodeOf, textOf } from './tree.ts';

/** What a statement's parse tree says, apart from its text. */
export type Findings = Omit<StatementDescription, 'fingerprint' | 'normalized'>;

function tags(kind: StatementKind, names: string): (readonly [string, StatementKind])[] {
  return names.split(/\s+/).map((name) => [name, kind] as const);
}

/** Every statement that is not here defines something. */
const kinds = new Map<string, StatementKind>([
  ['SelectStmt', 'select'],
  ['InsertStmt', 'insert'],
  ['UpdateStmt', 'update'],
  ['DeleteStmt', 'delete'],
  ['MergeStmt', 'merge'],
  ['CopyStmt', 'copy'],
  ['ExplainStmt', 'explain'],
  ...tags('call', 'CallStmt DoStmt'),
  ...tags('transaction', 'TransactionStmt LockStmt ConstraintsSetStmt'),
  ...tags(
    'session',
    `VariableSetStmt VariableShowStmt DiscardStmt ListenStmt UnlistenStmt NotifyStmt PrepareStmt ExecuteStmt DeallocateStmt
    DeclareCursorStmt FetchStmt ClosePortalStmt LoadStmt`,
  ),
  ...tags('maintenance', 'VacuumStmt ReindexStmt ClusterStmt RefreshMatViewStmt CheckPointStmt'),
]);

function kindOf({ tag, fields }: Node): StatementKind {
  return tag === 'SelectStmt' && fields['intoClause'] ? 'definition' : (kinds.get(tag) ?? 'definition');
}

/** Kinds of statements that do not touch their session by themselves: only the functions that they call may. */
const sessionless = new Set<StatementKind>(['select', 'insert', 'update', 'delete', 'merge', 'copy', 'explain']);

/** What one statement does. */
export function findingsOf(statement: Node, judge: Judge): Findings {
  const kind = kindOf(statement);
  const content = contentOf({ [statement.tag]: statement.fields });
  const executed = kind !== 'explain' || analyzes(statement);
  const { read, written, temporary } = relationsOf(statement);
  const passing = temporary || content.temporaryType ? 'it names a temporary table' : undefined;
  const obstacle = passing ?? obstacleTo(statement, content, judge);
  const bound = passing ?? sessionReason(statement, kind, content, judge) ?? viewOfSession([...read, ...written]);
  return {
    kind,
    readOnly: obstacle === undefined,
    session: bound !== undefined,
    single: statement.tag !== 'CopyStmt' || 'filename' in statement.fields,
    // What is only planned is not written.
    read: Object.freeze(executed ? read : [...read, ...written]),
    written: Object.freeze(executed ? written : []),
    effects: effectsOf(statement, content, read, executed),
    reason: reasonOf(kind, obstacle, bound),
  };
}

/** What a reader would not see at once: of a statement that says itself that it writes, only why it needs its session. */
function reasonOf(kind: StatementKind, obstacle: string | undefined, bound: string | undefined): string | undefined {
  if (kind === 'select' || kind === 'explain') return obstacle ?? bound;
  return sessionless.has(kind) ? bound : undefined;
}

/** Why a statement is not known to change nothing; `undefined` when it is known. */
function obstacleTo(statement: Node, content: Content, judge: Judge): string | undefined {
  const { tag, fields } = statement;
  if (tag === 'VariableShowStmt') return undefined;
  if (tag === 'ExplainStmt' && fieldsOf(fields['query'], 'ExecuteStmt')) return 'it explains a prepared statement';
  if (tag === 'ExplainStmt' && !analyzes(statement)) {
    // A plan changes nothing, whatever it is of; but planning calls functions that are declared immutable.
    return callObstacle(content, (name) => judge.effectOf(name) !== 'session', judge);
  }
  const query = tag === 'ExplainStmt' ? nodeOf(fields['query']) : statement;
  if (query?.tag !== 'SelectStmt') return 'it runs something other than a query';
  const inside = query === statement ? content : contentOf({ [query.tag]: query.fields });
  return inside.obstacle ?? callObstacle(inside, (name) => judge.effectOf(name) === 'none', judge);
}

function callObstacle(
  { functions, operators }: Content,
  isHarmless: (name: readonly string[]) => boolean,
  judge: Judge,
): string | undefined {
  const call = functions.find((name) => !isHarmless(name));
  if (call) return `it calls ${call.join('.')}(), which is not known to change nothing`;
  const operator = operators.find((name) => !judge.knowsOperator(name));
  return operator && `it uses the operator ${operator.join('.')}, which is not built in`;
}

/** Why a statement must have a connection of its own; `undefined` when it need not. */
function sessionReason({ tag, fields }: Node, kind: StatementKind, content: Content, judge: Judge): string | undefined {
  if (tag === 'ExplainStmt' && fieldsOf(fields['query'], 'ExecuteStmt')) return 'it explains a prepared statement';
  if (!sessionless.has(kind) && tag !== 'NotifyStmt') return 'it is bound to its session';
  const call = content.functions.find((name) => judge.effectOf(name) === 'session');
  if (call) return `it calls ${call.join('.')}(), which may change or need what its session holds`;
  const reading = content.functions.find((name) => judge.readsSession(name));
  return reading && `it calls ${reading.join('.')}(), which depends on its session`;
}

/** Views of pg_catalog on what a session holds; by UPDATE of `pg_settings` it is set, as by SET. */
const sessionViews = new Set(['pg_settings', 'pg_cursors', 'pg_prepared_statements']);

function viewOfSession(names: readonly TableName[]): string | undefined {
  const view = names.find(({ schema, name }) => (schema ?? 'pg_catalog') === 'pg_catalog' && sessionViews.has(name));
  return view && `it names ${view.name}, which shows its session`;
}

/** `EXPLAIN (ANALYZE off)` counts as ANALYZE: that is the more careful answer. */
function analyzes({ fields }: Node): boolean {
  return listOf(fields['options']).some(
    (option) => textOf(fieldsOf(option, 'DefElem')?.['defname'])?.toLowerCase() === 'analyze',
  );
}
