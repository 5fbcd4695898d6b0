/** Columns that an index would have to begin with, as EXPLAIN writes them. */
export interface FilterColumns {
  /** Compared with `=`. */
  equal: string[];
  /** Compared with `<`, `>` and the like. */
  range: string[];
  /** Expressions of a column, such as `lower(email)`, compared with `=`. */
  expressions: string[];
}

const name = String.raw`(?:"(?:[^"]|"")*"|[a-z_][\w$]*)`;
const column = String.raw`\(?(?:${name}\.)?(${name})\)?(?:::[\w ."()]+?)?`;
const comparison = new RegExp(String.raw`^${column} (=|<|>|<=|>=|~~|IS NULL|IS NOT NULL)(?: (.*))?$`, 's');
const expression = new RegExp(String.raw`^(\(?(?:${name}\.)?${name}\(.+\)\)?(?:::[\w ]+)?) = (?:.+)$`, 's');
/** A column on the right-hand side makes it a join condition or a comparison within the row. */
const isColumn = new RegExp(String.raw`^\(?(?:${name}\.)?${name}\)?$`, 's');

/** Columns of a filter whose parts are all required (AND). Parts that it cannot read are left out. */
export function filterColumns(filter: string): FilterColumns {
  const found: FilterColumns = { equal: [], range: [], expressions: [] };
  for (const part of conjuncts(filter)) {
    if (splitOutside(part, ' OR ').length > 1) continue;
    const compared = comparison.exec(part);
    if (compared) {
      const [, of = '', operator = '', value] = compared;
      if (value !== undefined && isColumn.test(value) && !/^\$\d/.test(value)) continue;
      add(operator === '=' || operator === 'IS NULL' ? found.equal : found.range, of);
      continue;
    }
    const wrapped = expression.exec(part);
    if (wrapped?.[1] !== undefined) add(found.expressions, withoutTables(wrapped[1]));
    else if (new RegExp(`^${name}$`).test(part)) add(found.equal, part);
  }
  return found;
}

function add(list: string[], value: string): void {
  if (!list.includes(value)) list.push(value);
}

/** The parts of `((a = 1) AND (b = 2))`. */
export function conjuncts(filter: string): string[] {
  const text = unwrapped(filter.trim());
  const parts: string[] = [];
  let rest = '';
  for (const word of splitOutside(text, ' AND ')) rest = rest === '' ? word : `${rest} AND ${word}`;
  for (const part of splitOutside(rest, ' AND ')) parts.push(unwrapped(part.trim()));
  return parts;
}

/** Splits at a word that stands outside of parentheses and quotes. */
function splitOutside(text: string, at: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    else if (depth === 0 && text.startsWith(at, index)) {
      parts.push(text.slice(start, index));
      start = index + at.length;
      index = start - 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** Without the parentheses around the whole. */
function unwrapped(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text;
  let depth = 0;
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '(') depth += 1;
    else if (char === ')') depth -= 1;
    if (depth === 0 && index < text.length - 1) return text;
  }
  return unwrapped(text.slice(1, -1).trim());
}

/** Keys of an index for a filter and an order after it: equality first, then the order, else one range. */
export function indexKeys(filter: string | undefined, order: readonly string[] = []): string[] {
  const { equal, range, expressions } =
    filter === undefined ? { equal: [], range: [], expressions: [] } : filterColumns(filter);
  const sorted = order
    .map((key) => withoutTable(key))
    .filter((key) => !equal.includes(key.replace(/ (?:DESC|NULLS \w+)/g, '')));
  const after = sorted.length > 0 ? sorted : range.slice(0, 1);
  return [...equal, ...expressions.map((each) => `(${unwrapped(each)})`), ...after];
}

/** `o.created_at DESC` without the table's alias. */
export function withoutTable(key: string): string {
  return key.replace(new RegExp(`^${name}\\.(?=${name}(?: |$))`), '');
}

/** An expression without the aliases of tables: those before a name that is no function's. */
function withoutTables(text: string): string {
  return text.replaceAll(new RegExp(`(?<![\\w".])${name}\\.(?=${name}(?![\\w"(]))`, 'g'), '');
}
