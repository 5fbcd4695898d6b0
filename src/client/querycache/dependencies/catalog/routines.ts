import { type CatalogReader, firstUserOid, numberIn, numbersIn, readRows, textIn, trueIn } from './reading.ts';

export interface Routine {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** An aggregate calls others. */
  readonly isAggregate: boolean;
  /** i immutable, s stable, v volatile. */
  readonly volatility: string;
  /** `internal`, `c`, `sql`, `plpgsql` … */
  readonly language: string;
  readonly fewest: number;
  /** `Infinity` for VARIADIC. */
  readonly most: number;
  readonly owner: string;
  readonly securityDefiner: boolean;
  /** It is run with another role (SET role = …). */
  readonly setsRole: boolean;
  /** The extension that it belongs to. */
  readonly extension: string | undefined;
  /** Its only required argument may be a row: then `x.name` calls it. */
  readonly takesRow: boolean;
  /** Its result is a text, a list of texts, or of a type that depends on its arguments. */
  readonly givesText: boolean;
  /** Its types that are not built in, of arguments and result. */
  readonly types: readonly number[];
}

/** Functions, aggregates and window functions, built-in ones too. */
export async function readRoutines(reader: CatalogReader): Promise<Routine[]> {
  const rows = await readRows(
    reader,
    `
    WITH /* pitcrew */ row_like AS (
      -- What a row can be given for: rows, polymorphic types, and what rows are cast to unasked.
      SELECT t.oid
        FROM pg_type t
       WHERE t.typtype IN ('c', 'p', 'd')
          OR EXISTS (SELECT FROM pg_cast k
                       JOIN pg_type s ON s.oid = k.castsource AND s.typtype = 'c'
                      WHERE k.casttarget = t.oid AND k.castcontext = 'i')
    )
    SELECT p.oid                                            AS "oid",
           n.nspname                                        AS "schema",
           p.proname                                        AS "name",
           p.provolatile                                    AS "volatility",
           p.prokind = 'a'                                  AS "aggregate",
           l.lanname                                        AS "language",
           p.pronargs - p.pronargdefaults                   AS "fewest",
           p.pronargs                                       AS "most",
           p.provariadic <> 0                               AS "variadic",
           pg_get_userbyid(p.proowner)                      AS "owner",
           p.prosecdef                                      AS "definer",
           EXISTS (SELECT FROM unnest(p.proconfig) AS s (setting)
                    WHERE s.setting ~* '^(role|session_authorization)=') AS "setsRole",
           e.extname                                        AS "extension",
           p.pronargs - p.pronargdefaults <= 1 AND p.pronargs >= 1
             AND p.proargtypes[0] IN (SELECT oid FROM row_like) AS "takesRow",
           'S' IN (r.typcategory, t.typcategory)
             OR r.typcategory IN ('P', 'X')                 AS "givesText",
           CASE WHEN p.oid >= ${firstUserOid} THEN
             (SELECT string_agg(DISTINCT u.type::text, ',')
                FROM unnest(p.proargtypes::oid[] || p.prorettype || coalesce(p.proallargtypes, '{}')) AS u (type)
               WHERE u.type >= ${firstUserOid}) END         AS "types"
      FROM pg_proc p
      JOIN pg_namespace n ON n.oid = p.pronamespace
      JOIN pg_language l  ON l.oid = p.prolang
      JOIN pg_type r      ON r.oid = p.prorettype
      LEFT JOIN pg_type t      ON r.typcategory = 'A' AND t.oid = r.typelem
      LEFT JOIN pg_depend d    ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
                              AND d.refclassid = 'pg_extension'::regclass
      LEFT JOIN pg_extension e ON e.oid = d.refobjid
     WHERE p.prokind <> 'p'
       AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
    `,
  );
  return rows.map((row) => {
    const variadic = trueIn(row, 'variadic');
    return {
      oid: numberIn(row, 'oid'),
      schema: textIn(row, 'schema'),
      name: textIn(row, 'name'),
      isAggregate: trueIn(row, 'aggregate'),
      volatility: textIn(row, 'volatility'),
      language: textIn(row, 'language'),
      // Nothing need be given for VARIADIC.
      fewest: variadic ? Math.max(0, numberIn(row, 'fewest') - 1) : numberIn(row, 'fewest'),
      most: variadic ? Infinity : numberIn(row, 'most'),
      owner: textIn(row, 'owner'),
      securityDefiner: trueIn(row, 'definer'),
      setsRole: trueIn(row, 'setsRole'),
      extension: row['extension'] ?? undefined,
      takesRow: trueIn(row, 'takesRow'),
      givesText: trueIn(row, 'givesText'),
      types: numbersIn(row, 'types'),
    };
  });
}

export interface Operator {
  readonly schema: string;
  readonly name: string;
  /** 0 where there is none. */
  readonly left: number;
  readonly right: number;
  readonly result: number;
  /** The function behind it. */
  readonly routine: number;
}

export async function readOperators(reader: CatalogReader): Promise<Operator[]> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           n.nspname         AS "schema",
           o.oprname         AS "name",
           o.oprleft         AS "left",
           o.oprright        AS "right",
           o.oprresult       AS "result",
           o.oprcode::oid    AS "routine"
      FROM pg_operator o
      JOIN pg_namespace n ON n.oid = o.oprnamespace
    `,
  );
  return rows.map((row) => ({
    schema: textIn(row, 'schema'),
    name: textIn(row, 'name'),
    left: numberIn(row, 'left'),
    right: numberIn(row, 'right'),
    result: numberIn(row, 'result'),
    routine: numberIn(row, 'routine'),
  }));
}

/** A cast that somebody made. */
export interface Cast {
  readonly source: number;
  readonly target: number;
  /** Done without being asked for, within expressions. */
  readonly implicit: boolean;
  /** 0: by the types' own input and output, or without any change. */
  readonly routine: number;
}

export async function readCasts(reader: CatalogReader): Promise<Cast[]> {
  const rows = await readRows(
    reader,
    `
    SELECT /* pitcrew */
           castsource        AS "source",
           casttarget        AS "target",
           castcontext = 'i' AS "implicit",
           castfunc          AS "routine"
      FROM pg_cast
     WHERE oid >= ${firstUserOid}
    `,
  );
  return rows.map((row) => ({
    source: numberIn(row, 'source'),
    target: numberIn(row, 'target'),
    implicit: trueIn(row, 'implicit'),
    routine: numberIn(row, 'routine'),
  }));
}
