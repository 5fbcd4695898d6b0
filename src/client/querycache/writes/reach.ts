import type { FunctionJudge, TableChange } from '../../../sql/index.ts';
import {
  type Catalog,
  firstUserOid,
  type Names,
  refuse,
  type Relation,
  triggerBits,
  type TriggerFunction,
} from '../dependencies/index.ts';
import type { CallSearch } from './calls.ts';

type Way = TableChange['by'];

interface Extent {
  /** With the tables below it. */
  readonly whole: boolean;
  /** An UPDATE of a partitioned table above, which moves rows between partitions. */
  readonly moving: boolean;
}

/** The schema of Pitcrew's own functions. */
const ownSchema = 'pitcrew';

/** All tables that are changed when some are, by what their definitions lead to. Refuses what may change others. */
export class Reach {
  readonly tables = new Set<number>();
  readonly #catalog: Catalog;
  readonly #names: Names;
  readonly #judge: FunctionJudge;
  readonly #search: CallSearch;
  readonly #done = new Set<string>();

  constructor(catalog: Catalog, names: Names, judge: FunctionJudge, search: CallSearch) {
    this.#catalog = catalog;
    this.#names = names;
    this.#judge = judge;
    this.#search = search;
  }

  write(relation: Relation, by: Way, { whole, moving: above }: Extent): void {
    const { oid, name, kind, types } = relation;
    const moving = above || (by === 'update' && kind === 'p');
    const key = `${oid} ${by} ${whole} ${moving}`;
    if (this.#done.has(key)) return;
    this.#done.add(key);
    if (by === 'refresh') return this.#refresh(relation);
    this.#refuseRules(relation, by);
    this.#refuseTriggers(relation, moving ? ['insert', 'update', 'delete'] : [by]);
    if (!by.startsWith('truncate')) this.#search.rowExpressions(oid, types);
    if (kind === 'v') {
      // Its condition is evaluated, and so are the columns that it computes.
      this.#search.relation(oid);
      const target = this.#catalog.writes.targetOf(oid);
      this.write(this.#relation(target, `what is behind the view ${name}`), by, { whole: true, moving: false });
      return;
    }
    this.tables.add(oid);
    // MERGE INTO ONLY inserts into partitions nevertheless.
    if (by === 'insert' ? kind === 'p' : whole) this.#writeChildren(oid, by, moving);
    this.#followKeys(oid, by, above);
  }

  #refresh({ oid, name }: Relation): void {
    for (const called of this.#catalog.writes.eventTriggers) {
      if (!this.#isHarmless(called)) refuse(`an event trigger calls ${called.schema}.${called.function}()`);
    }
    this.tables.add(oid);
    const expression = this.#catalog.expressions.of('view', oid);
    if (!expression) refuse(`the materialised view ${name} cannot be looked into`);
    this.#search.expression(expression, `the materialised view ${name}`);
  }

  #writeChildren(oid: number, by: Way, moving: boolean): void {
    for (const child of this.#catalog.childrenOf(oid)) {
      const relation = this.#catalog.relation(child);
      if (relation) this.write(relation, by, { whole: true, moving });
      // Temporary tables can inherit; nobody writes to those of other sessions.
      else if (this.#names.hasTemporary) refuse('a temporary table of this session inherits from one of its tables');
    }
  }

  /**
   * The actions of foreign keys are done to a table alone, or to it with its partitions.
   * @param leaving rows may leave it for other partitions.
   */
  #followKeys(oid: number, by: Way, leaving: boolean): void {
    for (const { table, onDelete, onUpdate, own } of this.#catalog.writes.referrersOf(oid)) {
      const ways = new Set<Way>();
      // Of rows that leave, what the keys of the whole table do is an update.
      if (by === 'delete' || (leaving && own)) addAction(onDelete, ways);
      if (by === 'update' && acts(onUpdate)) ways.add('update');
      if (by === 'truncate cascade') ways.add(by);
      if (ways.size === 0) continue;
      const relation = this.#relation(table, 'a table with a foreign key');
      const whole = relation.kind === 'p' || by === 'truncate cascade';
      for (const way of ways) this.write(relation, way, { whole, moving: false });
    }
  }

  #refuseRules({ oid, name }: Relation, by: Way): void {
    const command = { insert: '3', update: '2', delete: '4' }[by as string];
    if (command !== undefined && this.#catalog.writes.ruledCommandsOf(oid).includes(command)) {
      refuse(`${name} has a rule for ${by}`);
    }
  }

  #refuseTriggers({ oid, name }: Relation, ways: readonly Way[]): void {
    for (const trigger of this.#catalog.writes.triggersOf(oid)) {
      if (!ways.some((way) => trigger.type & bitOf(way))) continue;
      const replaces = (trigger.type & triggerBits.instead) !== 0;
      if (replaces || !this.#isHarmless(trigger)) {
        refuse(`a trigger of ${name} calls ${trigger.schema}.${trigger.function}()`);
      }
    }
  }

  #isHarmless({ schema, function: name, functionOid }: TriggerFunction): boolean {
    return schema === ownSchema || functionOid < firstUserOid || this.#judge.declared(schema, name) === 'none';
  }

  #relation(oid: number | undefined, what: string): Relation {
    if (oid === undefined || oid < firstUserOid) refuse(`${what} is not known`);
    return this.#catalog.relation(oid) ?? refuse(`${what} is not known`);
  }
}

function bitOf(way: Way): number {
  switch (way) {
    case 'truncate':
    case 'truncate cascade':
      return triggerBits.truncate;
    case 'refresh':
      return 0;
    case 'insert':
    case 'update':
    case 'delete':
      return triggerBits[way];
  }
}

/** Whether an action changes rows: cascade, set null, set default. */
function acts(action: string): boolean {
  return action === 'c' || action === 'n' || action === 'd';
}

function addAction(onDelete: string, ways: Set<Way>): void {
  if (acts(onDelete)) ways.add(onDelete === 'c' ? 'delete' : 'update');
}
