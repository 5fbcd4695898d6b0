export { createDescriber, type Describe, describe } from './describer.ts';
export { type DeclaredFunctions, type FunctionJudge, judgeFunctions } from './functions.ts';
export { loadParser, parserLoaded } from './parser.ts';
