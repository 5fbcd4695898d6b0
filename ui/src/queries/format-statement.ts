import { formatDialect, postgresql } from 'sql-formatter';

/** Lays a statement out to be read. What the formatter cannot read (a cut text, for one) stays as it is. */
export function formatStatement(text: string): string {
  try {
    return formatDialect(text, { dialect: postgresql, keywordCase: 'upper', expressionWidth: 70 });
  } catch {
    return text;
  }
}
