import { fieldsOf, isObject, listOf, namesOf, textOf, type Tree } from '../describe/tree.ts';
import type { ConditionKind } from './predicates.ts';

/** The kind of condition that a LIKE with this pattern is. */
export function likeKind(pattern: Tree | undefined): ConditionKind {
  const text = patternText(pattern);
  if (text === undefined) return 'like';
  const wildcard = text.search(/(?<!\\)[%_]/);
  if (wildcard === 0) return 'pattern';
  return 'prefix';
}

/** The constant text of a pattern, or of its beginning: `'%' || $1 || '%'` begins with `%`. */
function patternText(pattern: Tree | undefined): string | undefined {
  const constant = fieldsOf(pattern, 'A_Const');
  if (constant) return isObject(constant['sval']) ? (textOf(constant['sval']['sval']) ?? '') : undefined;
  const cast = fieldsOf(pattern, 'TypeCast');
  if (cast) return patternText(cast['arg']);
  const escaped = fieldsOf(pattern, 'FuncCall');
  if (escaped && namesOf(escaped['funcname']).at(-1) === 'like_escape') return patternText(listOf(escaped['args'])[0]);
  const joined = fieldsOf(pattern, 'A_Expr');
  if (joined && namesOf(joined['name']).at(-1) === '||') {
    const text = patternText(joined['lexpr']);
    return text === undefined || text === '' ? undefined : text;
  }
  return undefined;
}
