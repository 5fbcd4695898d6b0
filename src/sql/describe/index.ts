export { createDescriber, type Describe, describe } from './describer.ts';
export type { DeclaredFunctions } from './functions.ts';
export { loadParser, parserLoaded } from './parser.ts';
