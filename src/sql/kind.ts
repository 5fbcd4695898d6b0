import type { Token } from './tokens.ts';

export type StatementKind = 'select' | 'insert' | 'update' | 'delete' | 'merge' | 'ddl' | 'utility' | 'other';

const kinds = new Map<string, StatementKind>([
  ...(['select', 'insert', 'update', 'delete', 'merge'] as const).map((word) => [word, word] as const),
  ...['values', 'table'].map((word) => [word, 'select'] as const),
  ...['alter', 'comment', 'create', 'drop', 'grant', 'import', 'reassign', 'revoke', 'security', 'truncate'].map(
    (word) => [word, 'ddl'] as const,
  ),
  ...`abort analyse analyze begin call checkpoint close cluster commit copy deallocate declare discard do end execute
  explain fetch listen load lock move notify prepare refresh reindex release reset rollback savepoint set show start
  unlisten vacuum`
    .split(/\s+/)
    .map((word) => [word, 'utility'] as const),
]);

/** What a statement does, by its first word; behind WITH, by the word of the main statement. */
export function kindOf(tokens: readonly Token[]): StatementKind {
  const first = tokens.find(({ text }) => text !== '(');
  if (first?.kind !== 'word') return 'other';
  return first.text === 'with' ? mainKind(tokens) : (kinds.get(first.text) ?? 'other');
}

function mainKind(tokens: readonly Token[]): StatementKind {
  let depth = 0;
  const outer = tokens.findIndex(({ kind, text }) => kind === 'word' && text === 'with');
  for (const { kind, text } of tokens.slice(outer + 1)) {
    if (kind === 'punctuation' && text === '(') depth++;
    if (kind === 'punctuation' && text === ')') depth--;
    const found = depth === 0 && kind === 'word' ? kinds.get(text) : undefined;
    if (found && found !== 'ddl' && found !== 'utility') return found;
  }
  return 'other';
}
