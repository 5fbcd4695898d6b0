import type { FunctionJudge } from '../../../sql/index.ts';
import {
  type Cast,
  type Catalog,
  type Expression,
  firstUserOid,
  type Names,
  type Operator,
  Refusal,
  refuse,
  type Routine,
  trustedExtensions,
} from '../dependencies/index.ts';

/** Extensions none of whose functions writes, whatever it is declared. */
const harmlessExtensions = new Set([...trustedExtensions, 'earthdistance', 'unaccent', 'uuid-ossp']);

/**
 * Looks through what running something calls: functions, with their bodies where these can be looked into, views, policies and
 * checks of domains. Its methods refuse what may write. What was looked at is not looked at again.
 */
export class CallSearch {
  /** Types that are not built in and that values may have. */
  readonly types = new Set<number>();
  readonly #catalog: Catalog;
  readonly #judge: FunctionJudge;
  readonly #done = new Set<string>();

  constructor(catalog: Catalog, judge: FunctionJudge) {
    this.#catalog = catalog;
    this.#judge = judge;
  }

  routine(oid: number): void {
    if (this.#isDone(`routine ${oid}`)) return;
    const routine = this.#catalog.routine(oid);
    if (!routine) {
      if (oid >= firstUserOid) refuse('it calls a function that is not known');
      return;
    }
    if (this.#isTrusted(routine)) return;
    const { schema, name, volatility, isAggregate } = routine;
    for (const type of routine.types) this.type(type);
    const defaults = this.#catalog.expressions.of('defaults', oid);
    if (defaults) this.expression(defaults, `a default of ${name}()`);
    const body = this.#catalog.expressions.of('body', oid);
    if (body) this.expression(body, `the function ${schema}.${name}()`);
    else if (isAggregate) refuse(`it calls the aggregate ${schema}.${name}, which cannot be looked into`);
    else if (volatility === 'v') refuse(`it calls ${schema}.${name}(), which is not known to write nothing`);
  }

  #isTrusted({ oid, schema, name, volatility, extension }: Routine): boolean {
    const declared = this.#judge.declared(schema, name);
    if (declared === 'write') refuse(`it calls ${schema}.${name}(), which writes`);
    if (declared === 'none') return true;
    if (oid < firstUserOid) {
      if (volatility === 'v' && !this.#judge.leavesRows(name)) refuse(`it calls ${name}(), which may write`);
      return true;
    }
    return extension !== undefined && (harmlessExtensions.has(extension) || volatility !== 'v');
  }

  /** @param what for the reason: `the view v`. */
  expression({ writes, relations, routines, operatorRoutines, textTypes, domains }: Expression, what: string): void {
    if (writes) refuse(`${what} writes`);
    for (const oid of relations) this.relation(oid);
    for (const oid of [...routines, ...operatorRoutines]) this.routine(oid);
    for (const oid of [...textTypes, ...domains]) this.type(oid);
  }

  /** A relation that is read. */
  relation(oid: number): void {
    if (oid < firstUserOid || this.#isDone(`relation ${oid}`)) return;
    const { name, kind, rowSecurity, types } = this.#catalog.relation(oid) ?? refuse('it reads what is not known');
    for (const type of types) this.types.add(type);
    if (rowSecurity) {
      const policies = this.#catalog.expressions.of('policy', oid);
      if (policies) this.expression(policies, `a policy of ${name}`);
    }
    if (kind !== 'v') return;
    this.expression(
      this.#catalog.expressions.of('view', oid) ?? refuse(`the view ${name} cannot be looked into`),
      `the view ${name}`,
    );
  }

  /** What the server evaluates for a row that is written: defaults, generated columns, checks, policies. */
  rowExpressions(oid: number, types: readonly number[]): void {
    if (this.#isDone(`rows ${oid}`)) return;
    const expressions = this.#catalog.writes.rowExpressionsOf(oid);
    for (const routine of expressions?.routines ?? []) this.routine(routine);
    for (const relation of expressions?.relations ?? []) this.relation(relation);
    for (const type of types) this.type(type);
  }

  /** A type of which values are made: those of domains are checked. */
  type(oid: number): void {
    if (oid < firstUserOid || this.#isDone(`type ${oid}`)) return;
    this.types.add(oid);
    const type = this.#catalog.type(oid);
    if (type?.array) this.types.add(type.array);
    for (const part of type?.parts ?? []) this.type(part);
    const check = type?.isDomain === true ? this.#catalog.expressions.of('domain', oid) : undefined;
    if (check) this.expression(check, `a check of the domain ${type?.name}`);
  }

  #isDone(what: string): boolean {
    if (this.#done.has(what)) return true;
    this.#done.add(what);
    return false;
  }
}

/** Operators that keywords stand for: IN, BETWEEN, LIKE, CASE, USING, DISTINCT, ORDER BY. */
const keywordOperators = new Set(
  ['=', '<>', '<', '<=', '>', '>='].concat(['', '!'].flatMap((not) => [`${not}~~`, `${not}~~*`, `${not}~`])),
);

/** The operators and casts of a database whose functions may write: hardly any, but the text does not show that they are called. */
interface WritingCalls {
  readonly operators: ReadonlySet<Operator>;
  readonly casts: readonly Cast[];
}

const knownCalls = new WeakMap<Catalog, WeakMap<FunctionJudge, WritingCalls>>();

function writingCalls(catalog: Catalog, judge: FunctionJudge): WritingCalls {
  let byJudge = knownCalls.get(catalog);
  if (!byJudge) knownCalls.set(catalog, (byJudge = new WeakMap()));
  let calls = byJudge.get(judge);
  if (!calls) {
    calls = {
      operators: new Set(catalog.operators.filter(({ routine }) => mayWrite(routine, catalog, judge))),
      casts: catalog.casts.filter(({ routine }) => mayWrite(routine, catalog, judge)),
    };
    byJudge.set(judge, calls);
  }
  return calls;
}

/**
 * Refuses where an operator that a statement uses, or a cast between types that its values may have, may write.
 * @param used operators that it names.
 */
export function refuseWritingCalls(
  catalog: Catalog,
  judge: FunctionJudge,
  names: Names,
  used: readonly (readonly string[])[],
  types: ReadonlySet<number>,
): void {
  const { operators, casts } = writingCalls(catalog, judge);
  if (operators.size > 0) {
    const all = [...used, ...Array.from(keywordOperators, (name) => [name])];
    const found = all.find((name) => names.operators(name).some((operator) => operators.has(operator)));
    if (found) refuse(`it may use the operator ${found.join('.')}, whose function is not known to write nothing`);
  }
  const has = (type: number): boolean => type < firstUserOid || types.has(type);
  if (casts.some(({ source, target }) => has(source) && has(target))) {
    refuse('it may use a cast whose function is not known to write nothing');
  }
}

function mayWrite(routine: number, catalog: Catalog, judge: FunctionJudge): boolean {
  if (routine < firstUserOid) return false;
  try {
    new CallSearch(catalog, judge).routine(routine);
    return false;
  } catch (error) {
    if (error instanceof Refusal) return true;
    throw error;
  }
}
