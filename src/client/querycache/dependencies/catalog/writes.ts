import { type CatalogReader, firstUserOid, numberIn, numbersIn, readRows, type TextRow, textIn } from './reading.ts';

/** A foreign key, seen from the table that it refers to. */
export interface Referrer {
  /** The table whose column it is. */
  readonly table: number;
  /** As in pg_constraint: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onDelete: string;
  readonly onUpdate: string;
  /** It is declared so, and not on a table of which this one, or that one, is a partition. */
  readonly own: boolean;
}

/** What is called when something happens. */
export interface TriggerFunction {
  readonly schema: string;
  readonly function: string;
  readonly functionOid: number;
}

/** A function that triggers of a table call, unless they are disabled. */
export interface Trigger extends TriggerFunction {
  /** Bits as in pg_trigger.tgtype, of all triggers of the table that call it. */
  readonly type: number;
}

/** Bits of pg_trigger.tgtype (catalog/pg_trigger.h). */
export const triggerBits = { insert: 4, delete: 8, update: 16, truncate: 32, instead: 64 } as const;

/** What the server calls for a row that is written, by the expressions of the table. */
export interface RowExpressions {
  /** Functions that are not built in: of defaults, generated columns, checks, policies and conditions of triggers. */
  readonly routines: readonly number[];
  /** What policies read. */
  readonly relations: readonly number[];
}

/** What else the server changes or calls when a statement writes. Of most tables there is nothing to tell. */
export interface WriteFacts {
  referrersOf(table: number): readonly Referrer[];
  triggersOf(relation: number): readonly Trigger[];
  /** Of event triggers, which are called when definitions change, and for REFRESH. */
  readonly eventTriggers: readonly TriggerFunction[];
  /** Commands that a rule adds to or replaces, as in pg_rewrite: 2 update, 3 insert, 4 delete. */
  ruledCommandsOf(relation: number): string;
  /** What is written when a view is that has neither rules nor triggers. */
  targetOf(view: number): number | undefined;
  rowExpressionsOf(relation: number): RowExpressions | undefined;
}

export async function readWriteFacts(reader: CatalogReader): Promise<WriteFacts> {
  const referrers = await readReferrers(reader);
  const triggers = await readTriggers(reader);
  const eventTriggers = await readEventTriggers(reader);
  const rules = await readRules(reader);
  const targets = await readViewTargets(reader);
  const expressions = await readRowExpressions(reader);
  return {
    referrersOf: (table) => referrers.get(table) ?? [],
    triggersOf: (relation) => triggers.get(relation) ?? [],
    eventTriggers,
    ruledCommandsOf: (relation) => rules.get(relation) ?? '',
    targetOf: (view) => targets.get(view),
    rowExpressionsOf: (relation) => expressions.get(relation),
  };
}

/** Those of partitions, which are constraints of their own, as well. */
async function readReferrers(reader: CatalogReader): Promise<Map<number, Referrer[]>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           confrelid                                                          AS "table",
           string_agg(DISTINCT concat(confdeltype, confupdtype, conparentid = 0, conrelid), ',') AS "referrers"
      FROM pg_constraint
     WHERE contype = 'f'
     GROUP BY confrelid
    `,
  );
  return new Map(
    rows.map((row) => {
      const referrers = textIn(row, 'referrers')
        .split(',')
        .map((text) => ({
          onDelete: text.charAt(0),
          onUpdate: text.charAt(1),
          own: text.charAt(2) === 't',
          table: Number(text.slice(3)),
        }));
      return [numberIn(row, 'table'), referrers];
    }),
  );
}

/** Without those that are the server's own means: of foreign keys and deferred unique keys. */
async function readTriggers(reader: CatalogReader): Promise<Map<number, Trigger[]>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           t.tgrelid          AS "relation",
           n.nspname          AS "schema",
           p.proname          AS "function",
           p.oid              AS "functionOid",
           bit_or(t.tgtype)   AS "type"
      FROM pg_trigger t
      JOIN pg_proc p      ON p.oid = t.tgfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
      JOIN pg_class c     ON c.oid = t.tgrelid AND c.relpersistence <> 't'
     WHERE t.tgenabled <> 'D'
       -- A clone on a partition may count as internal; what belongs to a constraint does and has it.
       AND NOT (t.tgisinternal AND t.tgconstraint <> 0)
     GROUP BY t.tgrelid, n.nspname, p.proname, p.oid
    `,
  );
  const triggers = rows.map((row) => ({
    relation: numberIn(row, 'relation'),
    trigger: { ...functionIn(row), type: numberIn(row, 'type') },
  }));
  const byRelation = Map.groupBy(triggers, ({ relation }) => relation);
  return new Map(Array.from(byRelation, ([relation, list]) => [relation, list.map(({ trigger }) => trigger)]));
}

async function readEventTriggers(reader: CatalogReader): Promise<TriggerFunction[]> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           n.nspname          AS "schema",
           p.proname          AS "function",
           p.oid              AS "functionOid"
      FROM pg_event_trigger t
      JOIN pg_proc p      ON p.oid = t.evtfoid
      JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE t.evtenabled <> 'D'
    `,
  );
  return rows.map(functionIn);
}

function functionIn(row: TextRow): TriggerFunction {
  return {
    schema: textIn(row, 'schema'),
    function: textIn(row, 'function'),
    functionOid: numberIn(row, 'functionOid'),
  };
}

async function readRules(reader: CatalogReader): Promise<Map<number, string>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           ev_class                                  AS "relation",
           string_agg(DISTINCT ev_type::text, '')    AS "commands"
      FROM pg_rewrite
     WHERE ev_type <> '1'
       AND ev_enabled <> 'D'
     GROUP BY ev_class
    `,
  );
  return new Map(rows.map((row) => [numberIn(row, 'relation'), textIn(row, 'commands')]));
}

/**
 * Of a view that can be written without rules and triggers, its only relation in FROM: the first that its stored tree names. Up to
 * PostgreSQL 15 the view itself comes before it, as OLD and NEW. What other views name first does no harm: the server refuses to
 * write to them.
 */
async function readViewTargets(reader: CatalogReader): Promise<Map<number, number>> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           w.ev_class           AS "view",
           named.relid          AS "target"
      FROM pg_rewrite w
      JOIN pg_class c ON c.oid = w.ev_class AND c.relkind = 'v' AND c.relpersistence <> 't'
     CROSS JOIN LATERAL (
       SELECT m[1] AS relid
         FROM regexp_matches(w.ev_action::text, ':relid ([0-9]+)', 'g') WITH ORDINALITY AS f (m, place)
        WHERE m[1]::oid NOT IN (0, w.ev_class)
        ORDER BY place
        LIMIT 1) named
     WHERE w.ev_type = '1'
       AND w.ev_class >= ${firstUserOid}
    `,
  );
  return new Map(rows.map((row) => [numberIn(row, 'view'), numberIn(row, 'target')]));
}

/** By what pg_depend knows of, which leaves out what is built in: no built-in function that can stand there writes. */
async function readRowExpressions(reader: CatalogReader): Promise<Map<number, RowExpressions>> {
  const rows = await readRows(
    reader,
    `
    WITH /* pitcrew */ used (class, id, routine, read) AS (
      SELECT d.classid,
             d.objid,
             CASE d.refclassid WHEN 'pg_proc'::regclass     THEN d.refobjid
                               WHEN 'pg_operator'::regclass THEN o.oprcode::oid END,
             CASE d.refclassid WHEN 'pg_class'::regclass    THEN d.refobjid END
        FROM pg_depend d
        LEFT JOIN pg_operator o ON d.refclassid = 'pg_operator'::regclass AND o.oid = d.refobjid
       WHERE d.classid IN ('pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass, 'pg_trigger'::regclass)
         AND d.refobjid >= ${firstUserOid}
         AND (d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
              OR (d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_policy'::regclass))
    ), placed (relation, routine, read) AS (
      SELECT coalesce(a.adrelid, c.conrelid, p.polrelid, t.tgrelid),
             -- Of a trigger its condition; what the trigger itself calls is told apart.
             CASE WHEN u.routine >= ${firstUserOid} AND u.routine IS DISTINCT FROM t.tgfoid THEN u.routine END,
             nullif(u.read, p.polrelid)
        FROM used u
        LEFT JOIN pg_attrdef a    ON u.class = 'pg_attrdef'::regclass AND a.oid = u.id
        LEFT JOIN pg_constraint c ON u.class = 'pg_constraint'::regclass AND c.oid = u.id
        LEFT JOIN pg_policy p     ON u.class = 'pg_policy'::regclass AND p.oid = u.id
        LEFT JOIN pg_trigger t    ON u.class = 'pg_trigger'::regclass AND t.oid = u.id
    )
    SELECT relation                                AS "relation",
           string_agg(DISTINCT routine::text, ',') AS "routines",
           string_agg(DISTINCT read::text, ',')    AS "relations"
      FROM placed
     WHERE relation <> 0
       AND (routine IS NOT NULL OR read IS NOT NULL)
     GROUP BY relation
    `,
  );
  return new Map(
    rows.map((row) => [
      numberIn(row, 'relation'),
      { routines: numbersIn(row, 'routines'), relations: numbersIn(row, 'relations') },
    ]),
  );
}
