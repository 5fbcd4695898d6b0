import type pg from 'pg';
import type { Problem, PublishedTable } from '../stream/index.ts';
import { coverageSql, functionsSql } from './coverage-sql.ts';
import { functionVersion, type TriggerFunction, triggerFunction } from './trigger-function.ts';
import { expectedTriggers } from './trigger-kinds.ts';

interface CoverageRow {
  oid: string;
  schema: string;
  name: string;
  quoted: string;
  rows: boolean;
  owned: boolean;
  /** Lists in JSON. */
  parents: string | null;
  subscribed: boolean;
  keyColumns: string | null;
  triggers: string | null;
}

interface FunctionRow {
  name: string;
  body: string;
  settings: string | null;
  definer: boolean;
  trusted: boolean;
}

/** A table, and whether its own triggers are as they should be. */
export interface Triggered extends PublishedTable {
  /** As it is written in SQL. */
  readonly quoted: string;
  /** It has rows of its own, and is not only made of partitions. */
  readonly rows: boolean;
  readonly owned: boolean;
  readonly parents: readonly number[];
  /** Rows come by a subscription, which fires no statement triggers. */
  readonly subscribed: boolean;
  readonly triggerFunction: TriggerFunction;
  readonly complete: boolean;
  /** A newer Pitcrew has made its triggers. */
  readonly newer: boolean;
}

/** What there is of triggers. */
export interface Coverage {
  /** All tables that could have them. Parents need not come first. */
  readonly tables: ReadonlyMap<number, Triggered>;
  /** Functions that are as they should be, by name. */
  readonly intact: ReadonlySet<string>;
  /** Functions to be called that a role could turn into something else in whose place we cannot act, and that is no superuser. */
  readonly strangers: readonly string[];
}

export async function readCoverage(client: pg.ClientBase): Promise<Coverage> {
  const functions = await client.query<FunctionRow>(functionsSql);
  const bodies = new Map(functions.rows.map((row) => [row.name, row]));
  const { rows } = await client.query<CoverageRow>(coverageSql);
  const intact = new Set<string>();
  const strangers = new Set<string>();
  const tables = new Map<number, Triggered>();
  for (const row of rows) {
    const keyColumns = row.keyColumns === null ? undefined : (JSON.parse(row.keyColumns) as string[]);
    const wanted = triggerFunction(keyColumns);
    const found = bodies.get(wanted.name);
    if (isIntact(wanted, found)) intact.add(wanted.name);
    if (found?.trusted === false) strangers.add(wanted.name);
    const triggers = new Set(JSON.parse(row.triggers ?? '[]') as string[]);
    tables.set(Number(row.oid), {
      oid: Number(row.oid),
      schema: row.schema,
      name: row.name,
      keyColumns,
      quoted: row.quoted,
      rows: row.rows,
      owned: row.owned,
      parents: JSON.parse(row.parents ?? '[]') as number[],
      subscribed: row.subscribed,
      triggerFunction: wanted,
      complete: intact.has(wanted.name) && expectedTriggers(wanted.name).every((trigger) => triggers.has(trigger)),
      newer: [...triggers].some((trigger) => Number(/ tell_changes_v(\d+)_/.exec(trigger)?.[1]) > functionVersion),
    });
  }
  return { tables, intact, strangers: [...strangers] };
}

function isIntact(wanted: TriggerFunction, found: FunctionRow | undefined): boolean {
  return found?.body === wanted.body && found.settings === null && !found.definer;
}

/** Tables whose changes are all told: what is written by the name of a parent fires the triggers of the parent alone. */
export function coveredTables({ tables }: Coverage): Map<number, PublishedTable> {
  const covered = new Map<number, boolean>();
  const isCovered = (oid: number): boolean => {
    let known = covered.get(oid);
    if (known === undefined) {
      const table = tables.get(oid);
      known = table !== undefined && table.complete && !table.subscribed && table.parents.every(isCovered);
      covered.set(oid, known);
    }
    return known;
  };
  const told = [...tables.values()].filter(({ oid, rows }) => rows && isCovered(oid));
  return new Map(told.map(({ oid, schema, name, keyColumns }) => [oid, { oid, schema, name, keyColumns }]));
}

/** Whether a table lacks triggers that this role could make. */
export function mayBeMade({ owned, complete, newer, subscribed }: Triggered): boolean {
  return owned && !complete && !newer && !subscribed;
}

/** Tables in which a statement may have changed rows that names this one, with itself. */
export function familiesOf({ tables }: Coverage): Map<number, Triggered[]> {
  const children = new Map<number, Triggered[]>();
  for (const table of tables.values()) {
    for (const parent of table.parents) children.set(parent, [...(children.get(parent) ?? []), table]);
  }
  const families = new Map<number, Triggered[]>();
  for (const table of tables.values()) {
    const family = new Set([table]);
    for (const member of family) for (const child of children.get(member.oid) ?? []) family.add(child);
    families.set(table.oid, [...family]);
  }
  return families;
}

/** Tables that have triggers of ours that do not tell all, with why. */
export function coverageProblems(coverage: Coverage): Problem[] {
  const covered = coveredTables(coverage);
  return [...coverage.tables.values()].flatMap((table): Problem[] => {
    if (covered.has(table.oid) || (!table.rows && table.complete)) return [];
    const name = `${table.schema}.${table.name}`;
    if (table.subscribed) {
      return [
        {
          message: `${name} is written to by a subscription, which fires no statement triggers`,
          hint: 'What was read from it is not kept.',
        },
      ];
    }
    if (table.newer) {
      return [{ message: `the triggers of ${name} were made by a newer Pitcrew`, hint: 'Upgrade this Pitcrew.' }];
    }
    return [
      table.complete
        ? {
            message: `a table that ${name} is part of has no triggers that tell of all changes`,
            hint: 'What was read from it is not kept.',
          }
        : {
            message: `${name} has no triggers that tell of all changes`,
            hint: table.owned
              ? 'They are made with createTriggers: true.'
              : 'Its owner can make them, with createTriggers: true.',
          },
    ];
  });
}
