import { type CatalogReader, firstUserOid, numberIn, readRows, textIn } from './reading.ts';

/** What an expression that the server keeps (a view, a policy, the body of a function) is made of, by its stored tree. */
export interface Expression {
  readonly relations: readonly number[];
  readonly routines: readonly number[];
  /** Functions behind its operators. */
  readonly operatorRoutines: readonly number[];
  /** Settings that it asks for by name. */
  readonly settings: readonly string[];
  /** CURRENT_USER and the like, by their number in SQLValueFunctionOp. */
  readonly valueFunctions: readonly number[];
  /** Types that are made of text (by output and input), and of columns that functions give. */
  readonly textTypes: readonly number[];
  readonly domains: readonly number[];
  readonly writes: boolean;
  /** What keeps it from being a plain read, in words. */
  readonly obstacle: string | undefined;
}

export type Subject = 'view' | 'policy' | 'body' | 'defaults' | 'domain';

export interface Expressions {
  of(subject: Subject, oid: number): Expression | undefined;
}

/**
 * What is of interest in a stored tree. pg_depend would not do: it leaves out what is built in, so that now() and
 * current_setting() in a view do not show there.
 */
const facts = [
  // The whole call of current_setting(text) and current_setting(text, boolean) with a constant: its name is in it.
  String.raw`\{FUNCEXPR :funcid (?:2077|3294) [^{}]*:args \(\{CONST :consttype 25 [^{}]*:constvalue [0-9]+ \[[-0-9 ]+\]\}`,
  ':(?:relid|funcid|opfuncid|aggfnoid|winfnoid) [0-9]+',
  String.raw`\{SQLVALUEFUNCTION :op [0-9]+`,
  // CoerceViaIO and CoerceToDomain, by the order of their fields.
  ':resulttype [0-9]+ :resultcollid [0-9]+ :coerceformat',
  ':resulttype [0-9]+ :resulttypmod -?[0-9]+ :resultcollid [0-9]+ :coercionformat',
  String.raw`:funccoltypes \(o [0-9 ]+\)`,
  ':commandType [0-9]+',
  String.raw`\{(?:TABLESAMPLECLAUSE|ROWMARKCLAUSE|TABLEFUNC|NEXTVALUEEXPR|JSONEXPR|CURRENTOFEXPR)`,
];

/** Views, policies on reading, bodies of functions in the new style (BEGIN ATOMIC, RETURN), defaults of arguments, and checks of domains. */
export async function readExpressions(reader: CatalogReader): Promise<Expressions> {
  const rows = await readRows(
    reader,
    `
    WITH /* pitcrew */ stored (subject, oid, tree) AS (
      SELECT 'view', ev_class, ev_action::text
        FROM pg_rewrite
       WHERE ev_type = '1' AND ev_class >= ${firstUserOid}
       UNION ALL
      SELECT 'policy', polrelid, polqual::text
        FROM pg_policy
       WHERE polcmd IN ('r', '*') AND polqual IS NOT NULL
       UNION ALL
      SELECT 'body', oid, prosqlbody::text
        FROM pg_proc
       WHERE prosqlbody IS NOT NULL AND oid >= ${firstUserOid}
       UNION ALL
      SELECT 'defaults', oid, proargdefaults::text
        FROM pg_proc
       WHERE proargdefaults IS NOT NULL AND oid >= ${firstUserOid}
       UNION ALL
      SELECT 'domain', contypid, conbin::text
        FROM pg_constraint
       WHERE contypid <> 0 AND conbin IS NOT NULL
    )
    SELECT s.subject                                AS "subject",
           s.oid                                    AS "oid",
           (SELECT string_agg(DISTINCT m[1], ';')
              FROM regexp_matches(s.tree, $1, 'g') m) AS "facts"
      FROM stored s
    `,
    [`(${facts.join('|')})`],
  );
  const found = new Map<string, string[]>();
  for (const row of rows) {
    const key = `${textIn(row, 'subject')} ${numberIn(row, 'oid')}`;
    found.set(key, [...(found.get(key) ?? []), ...textIn(row, 'facts').split(';')]);
  }
  const expressions = new Map(Array.from(found, ([key, list]) => [key, expressionOf(list)]));
  return { of: (subject, oid) => expressions.get(`${subject} ${oid}`) };
}

const obstacles = new Map([
  ['{TABLESAMPLECLAUSE', 'samples a table'],
  ['{ROWMARKCLAUSE', 'locks rows'],
  ['{TABLEFUNC', 'uses XMLTABLE or JSON_TABLE'],
  ['{NEXTVALUEEXPR', 'takes values from a sequence'],
  ['{JSONEXPR', 'uses JSON_VALUE, JSON_QUERY or JSON_EXISTS'],
  ['{CURRENTOFEXPR', 'uses a cursor'],
]);

/** CMD_SELECT of CmdType. */
const selecting = 1;

function expressionOf(list: readonly string[]): Expression {
  const numbers = (pattern: RegExp): number[] =>
    list.flatMap((fact) => {
      const match = pattern.exec(fact);
      return match ? (match[1] ?? '').trim().split(' ').map(Number) : [];
    });
  const constants = list.filter((fact) => fact.startsWith('{FUNCEXPR'));
  const settings = constants.map((fact) => constantText(/\[([-\d ]+)\]\}$/.exec(fact)?.[1] ?? ''));
  const writes = numbers(/^:commandType (\d+)/).some((command) => command !== selecting);
  return {
    relations: numbers(/^:relid (\d+)/).filter((oid) => oid !== 0),
    routines: numbers(/^:(?:funcid|aggfnoid|winfnoid) (\d+)/),
    operatorRoutines: numbers(/^:opfuncid (\d+)/),
    settings: settings.filter((name) => name !== undefined),
    valueFunctions: numbers(/^\{SQLVALUEFUNCTION :op (\d+)/),
    textTypes: [...numbers(/^:resulttype (\d+) :resultcollid/), ...numbers(/^:funccoltypes \(o ([\d ]+)\)/)],
    domains: numbers(/^:resulttype (\d+) .*:coercionformat$/),
    writes,
    obstacle:
      (writes ? 'writes' : undefined) ??
      (settings.includes(undefined) ? 'asks for a setting whose name cannot be read' : undefined) ??
      list.map((fact) => obstacles.get(fact)).find((obstacle) => obstacle !== undefined),
  };
}

/** Length word of a text in memory, on servers that are little-endian: four times the length in bytes. */
const headerBytes = 4;

/** The text of a constant by its bytes, which stand as signed numbers; `undefined` when they are not as expected. */
function constantText(bytes: string): string | undefined {
  const buffer = Buffer.from(bytes.trim().split(/\s+/).map(Number));
  if (buffer.length < headerBytes || buffer.readUInt32LE(0) !== buffer.length * 4) return undefined;
  return buffer.toString('utf8', headerBytes).toLowerCase();
}
