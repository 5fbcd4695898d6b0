export { readableIdentifier, readableName } from './identifier.ts';
export type { StatementKind } from './kind.ts';
export { type StatementPattern, statementPattern } from './pattern.ts';
export { type Token, tokenize } from './tokens.ts';
