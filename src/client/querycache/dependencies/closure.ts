import {
  steadyByArguments,
  steadyWithSettings,
  fixedBySession,
  notImmutable,
  trustedExtensions,
  valueFunctionRoles,
} from './builtins.ts';
import {
  type Catalog,
  catalogTypes,
  type Expression,
  firstUserOid,
  momentTypes,
  type Relation,
  type Routine,
} from './catalog/index.ts';
import { type DeclaredFunctions, declaredFor } from './declared.ts';
import type { Names } from './names.ts';
import { refuse } from './refusal.ts';

/** How a function is called: by its name, or by an operator or cast that it stands behind. */
export type RoutineUse = 'call' | 'operator' | 'cast';

/** With whose rights something is read. */
interface Rights {
  /** The current role, which functions run as: that of the statement, or the owner of a SECURITY DEFINER function. */
  readonly user: string;
  /** Whose rights count for tables: the same, or a view's owner. */
  readonly as: string;
}

/**
 * What is depended on, with all that follows from it: what views are made of, partitions, policies, bodies of functions.
 * Its methods refuse what a result cannot be kept true for.
 */
export class Closure {
  /** Tables, materialised views, and the views on the way. */
  readonly tables = new Set<number>();
  readonly materializedViews = new Set<number>();
  /** A policy, a view or a function reads some of them, or all of them again. */
  readsWithin = false;
  /** What the key of a result must have in it, besides what it always has. */
  readonly inputs = new Set<string>(['role']);
  /** Types that are not built in and that values of the statement may have. */
  readonly types = new Set<number>();
  readonly #catalog: Catalog;
  readonly #names: Names;
  readonly #declared: DeclaredFunctions;
  readonly #asking: Rights;
  readonly #done = new Set<string>();

  /** @param role who runs the statement. */
  constructor(catalog: Catalog, names: Names, declared: DeclaredFunctions, role: string) {
    this.#catalog = catalog;
    this.#names = names;
    this.#declared = declared;
    this.#asking = { user: role, as: role };
  }

  addRelation(relation: Relation, only = false, rights: Rights = this.#asking): void {
    const { oid, name, schema, kind } = relation;
    if (this.#isDone(`relation ${oid} ${only} ${rights.user} ${rights.as}`)) return;
    if (oid < firstUserOid || schema === 'pg_catalog' || schema === 'information_schema') {
      refuse(`${schema}.${name} is a catalog of the system, whose changes are not in the change stream`);
    }
    this.#addStored(relation);
    if (relation.rowSecurity) this.#addPolicies(relation, rights);
    if (kind === 'v') {
      const expression = this.#catalog.expressions.of('view', oid) ?? refuse(`the view ${name} cannot be looked into`);
      const inside = relation.securityInvoker ? rights : { ...rights, as: relation.owner };
      this.addExpression(expression, `the view ${name}`, inside);
    }
    if (!only) this.#addChildren(oid);
  }

  /** The relation itself. */
  #addStored({ oid, name, kind, persistence, types }: Relation): void {
    if (kind === 'f') refuse(`${name} is a foreign table, whose changes are not in the change stream`);
    if (kind === 'S') refuse(`${name} is a sequence, whose changes are not in the change stream`);
    if (persistence === 'u') refuse(`${name} is unlogged, so that its changes are not in the change stream`);
    if (kind === 'm') this.materializedViews.add(oid);
    this.tables.add(oid);
    // What is stored in a domain has been checked.
    for (const type of types) this.addType(type, false);
  }

  /** Partitions and inheriting tables. Policies are those of the table that is named. */
  #addChildren(oid: number): void {
    for (const child of this.#catalog.childrenOf(oid)) {
      if (this.#isDone(`child ${child}`)) continue;
      const relation = this.#catalog.relation(child);
      if (relation) this.#addStored(relation);
      // Temporary tables can inherit; nobody sees those of other sessions.
      else if (this.#names.hasTemporary) refuse('a temporary table of this session inherits from one of its tables');
      this.#addChildren(child);
    }
  }

  /** check_enable_rls() of PostgreSQL; a member of the owner's role counts as one for whom the policies hold, which is more careful. */
  #addPolicies({ oid, name, owner, forcesRowSecurity }: Relation, rights: Rights): void {
    const { as } = rights;
    if (this.#catalog.exemptRoles.has(as) || (owner === as && !forcesRowSecurity)) return;
    const policies = this.#catalog.expressions.of('policy', oid);
    if (policies) this.addExpression(policies, `a policy of ${name}`, rights);
  }

  /** @param what for the reason: `the view v`. */
  addExpression(expression: Expression, what: string, rights: Rights = this.#asking): void {
    const { relations, routines, operatorRoutines, settings, valueFunctions, textTypes, domains, obstacle } =
      expression;
    if (obstacle !== undefined) refuse(`${what} ${obstacle}`);
    for (const setting of settings) this.inputs.add(setting);
    for (const number of valueFunctions) this.#addValueFunction(number, what);
    if (textTypes.some((type) => this.isMoment(type))) refuse(`${what} reads text as a date or time, and 'now' is one`);
    for (const type of [...textTypes, ...domains]) this.addType(type);
    if (relations.length > 0) this.readsWithin = true;
    for (const oid of relations) {
      const relation = this.#catalog.relation(oid) ?? refuse(`${what} reads a relation that is not known`);
      this.addRelation(relation, false, rights);
    }
    const call = (oid: number, use: RoutineUse): void => {
      this.addRoutine(this.#catalog.routine(oid) ?? refuse(`${what} calls a function that is not known`), use, rights);
    };
    for (const oid of routines) call(oid, 'call');
    for (const oid of operatorRoutines) call(oid, 'operator');
  }

  #addValueFunction(number: number, what: string): void {
    const { role, sessionUser, session } = valueFunctionRoles;
    if (number === sessionUser) this.inputs.add('session_user');
    else if (![...role, ...session].some((known) => known === number)) refuse(`${what} depends on the time`);
  }

  addRoutine(routine: Routine, use: RoutineUse, { user }: Rights = this.#asking): void {
    const { oid, name, schema, volatility } = routine;
    if (this.#isDone(`routine ${oid} ${use} ${user}`)) return;
    // What stands for arguments that a call leaves out is not in the call, nor in the body.
    const defaults = oid < firstUserOid ? undefined : this.#catalog.expressions.of('defaults', oid);
    if (defaults) this.addExpression(defaults, `a default of ${name}()`, { user, as: user });
    const declared = declaredFor(this.#declared, routine);
    if (declared) {
      for (const setting of declared.settings ?? []) this.inputs.add(setting.toLowerCase());
      for (const table of declared.tables ?? []) {
        this.readsWithin = true;
        this.addRelation(this.#declaredTable(table), false, { user, as: user });
      }
    } else if (oid < firstUserOid) {
      this.#addBuiltin(routine, use);
    } else if (volatility === 'i' && trusts(routine, use)) {
      // It computes.
    } else if (volatility === 'v') {
      refuse(`it calls ${schema}.${name}(), which is declared volatile`);
    } else {
      this.#addBody(routine, routine.securityDefiner ? routine.owner : user);
    }
    for (const type of routine.types) this.addType(type);
  }

  #addBody({ oid, name, schema, language, extension, setsRole }: Routine, user: string): void {
    const body = this.#catalog.expressions.of('body', oid);
    const reason = extension === undefined ? `is in ${language}` : `belongs to the extension ${extension}`;
    if (!body) refuse(`it calls ${schema}.${name}(), which ${reason} and cannot be looked into`);
    if (setsRole) refuse(`it calls ${schema}.${name}(), which sets the role`);
    this.addExpression(body, `the function ${name}()`, { user, as: user });
  }

  #addBuiltin({ name, volatility, most }: Routine, use: RoutineUse): void {
    if (volatility === 'i' && !notImmutable.has(name)) return;
    // Behind operators there are only such that depend on settings: on TimeZone above all.
    if (volatility === 's' && use !== 'call') return;
    if (name === 'session_user') this.inputs.add('session_user');
    else if (steadyByArguments.has(name) && steadyByArguments.get(name) === most) return;
    else if (volatility === 'v' || !(steadyWithSettings.has(name) || fixedBySession.has(name))) {
      refuse(`it calls ${name}(), which depends on more than tables and settings`);
    }
  }

  #declaredTable(name: string): Relation {
    const [first = '', second] = name.split('.');
    return second === undefined ? this.#names.relation(undefined, first) : this.#names.relation(first, second);
  }

  /**
   * A type that values may have, and what it consists of.
   * @param made values of it are made by the statement: those of domains are then checked, which calls functions.
   */
  addType(oid: number, made = true): void {
    if (catalogTypes.has(oid)) refuse('it has a value of type regclass or the like, which shows names of the catalog');
    if (oid < firstUserOid || this.#isDone(`type ${oid} ${made}`)) return;
    this.types.add(oid);
    const type = this.#catalog.type(oid);
    if (type?.array) this.types.add(type.array);
    for (const part of type?.parts ?? []) this.addType(part, made);
    if (!type?.isDomain || !made) return;
    const check = this.#catalog.expressions.of('domain', oid);
    if (check) this.addExpression(check, `a check of the domain ${type.name}`);
  }

  /** Whether reading a text as the type may read the word 'now'. */
  isMoment(oid: number): boolean {
    if (momentTypes.has(oid)) return true;
    const type = this.#catalog.type(oid);
    // A table's row type has no entry here, and may have such columns.
    return type ? type.parts.some((part) => this.isMoment(part)) : oid >= firstUserOid;
  }

  #isDone(what: string): boolean {
    if (this.#done.has(what)) return true;
    this.#done.add(what);
    return false;
  }
}

/**
 * Behind operators and casts of extensions in C there is arithmetic; of what is called by name that is known of some. In
 * `internal` are the constructors of range types.
 */
function trusts({ language, extension, isAggregate }: Routine, use: RoutineUse): boolean {
  if (extension !== undefined && trustedExtensions.has(extension)) return true;
  if (isAggregate) return false;
  return language === 'internal' || (language === 'c' && use !== 'call');
}
