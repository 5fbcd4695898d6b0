import fc from 'fast-check';
import { tokenize } from '../../src/sql/index.ts';

/** A query over the tables `t (a, b, c, d, e)` and `u (a, b, c)`. */
export interface Query {
  text: string;
  /** A part of it writes. */
  writes: boolean;
}

export interface Written {
  text: string;
}

/** Calls that change something. */
const writingCalls = [
  `nextval('s')`,
  `setval('s', 5)`,
  'app.bump(1)',
  'txid_current()::text::int',
  `set_config('app.x', '1', false)::int`,
  'lo_create(0)::int',
  `pg_advisory_lock(1)::text::int`,
];

/** Most parts are harmless; now and then one writes. */
const writingInteger = fc.constantFrom(...writingCalls).map((text): Query => ({ text, writes: true }));
const harmless = (...texts: string[]): fc.Arbitrary<Query> =>
  fc.constantFrom(...texts).map((text) => ({ text, writes: false }));

/** Puts parts into a pattern, `@` by `@`. */
function filled(pattern: string, ...parts: fc.Arbitrary<Query>[]): fc.Arbitrary<Query> {
  return fc.tuple(...parts).map((queries) => {
    let at = 0;
    return {
      text: pattern.replaceAll('@', () => queries[at++]?.text ?? ''),
      writes: queries.some(({ writes }) => writes),
    };
  });
}

const { integer, text, truth, select } = fc.letrec<Record<'integer' | 'text' | 'truth' | 'select', Query>>((tie) => ({
  integer: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 8, arbitrary: harmless('1', '-2', 'x.a', 'x.b', 'y.a', 'NULL::int', "'7'::int", 'ascii(x.c)') },
    filled('(@ + @)', tie('integer'), tie('integer')),
    filled('abs(@)', tie('integer')),
    filled('length(@)', tie('text')),
    filled('coalesce(@, @)', tie('integer'), tie('integer')),
    filled('CASE WHEN @ THEN @ ELSE @ END', tie('truth'), tie('integer'), tie('integer')),
    filled('(SELECT max(z.n) FROM (@) z(n, m))', tie('select')),
    filled('(ARRAY[@, @])[1]', tie('integer'), tie('integer')),
    filled('greatest(@, @)', tie('integer'), tie('integer')),
    filled('(SELECT count(*)::int FROM generate_series(1, least(abs(@), 9)))', tie('integer')),
    { weight: 1, arbitrary: writingInteger },
  ),
  text: fc.oneof(
    { depthSize: 'small' },
    { weight: 5, arbitrary: harmless(`'v'`, 'x.c', 'y.c', '$$q$$', `E'\\n'`, 'current_user::text') },
    filled('lower(@)', tie('text')),
    filled('(@ || @)', tie('text'), tie('text')),
    filled('@::text', tie('integer')),
    filled(`format('%s', @)`, tie('text')),
    filled(`json_build_object('k', @)::text`, tie('integer')),
    filled('md5(@)', tie('text')),
  ),
  truth: fc.oneof(
    { depthSize: 'small' },
    { weight: 5, arbitrary: harmless('true', 'x.a IS NULL', 'x.a = y.a', 'random() >= 0', 'now() IS NOT NULL') },
    filled('@ < @', tie('integer'), tie('integer')),
    filled('@ LIKE @', tie('text'), tie('text')),
    filled('@ IN (@, 3)', tie('integer'), tie('integer')),
    filled('(@ AND NOT @)', tie('truth'), tie('truth')),
    filled('(@ OR @)', tie('truth'), tie('truth')),
    filled('EXISTS (@)', tie('select')),
    filled('@ BETWEEN @ AND @', tie('integer'), tie('integer'), tie('integer')),
    filled('@ = ANY (SELECT z.n FROM (@) z(n, m))', tie('integer'), tie('select')),
  ),
  select: fc.oneof(
    { depthSize: 'small' },
    {
      weight: 4,
      arbitrary: filled('SELECT @, @ FROM t x, u y WHERE @ LIMIT 9', tie('integer'), tie('text'), tie('truth')),
    },
    filled('SELECT @, @ FROM t x LEFT JOIN u y ON @ ORDER BY 1 LIMIT 5', tie('integer'), tie('text'), tie('truth')),
    filled('SELECT DISTINCT @, @ FROM t x JOIN u y USING (b) LIMIT 5', tie('integer'), tie('text')),
    filled('(@) UNION ALL (@)', tie('select'), tie('select')),
    filled('WITH w(n, m) AS (@) SELECT n, m FROM w', tie('select')),
    filled('SELECT max(@) FILTER (WHERE @), min(@) FROM t x, u y', tie('integer'), tie('truth'), tie('text')),
    filled(
      'SELECT row_number() OVER (PARTITION BY @ ORDER BY @)::int, @ FROM t x, u y LIMIT 5',
      tie('integer'),
      tie('text'),
      tie('text'),
    ),
    harmless('SELECT x.a, x.c FROM t x, u y FOR UPDATE OF x').map(({ text: locking }) => ({
      text: locking,
      writes: true,
    })),
  ),
}));

/** Queries of all shapes, typed so that a server runs most of them. */
export const query: fc.Arbitrary<Query> = fc.oneof(
  { weight: 4, arbitrary: select },
  filled('VALUES (@, @)', integer, text).map(({ text: values, writes }) => ({
    text: values.replaceAll(/\b[xy]\.[abc]\b/g, 'NULL'),
    writes,
  })),
  filled('SELECT * FROM (@) z(n, m) WHERE n IS NOT NULL', select),
  filled('SELECT x.d ->> @, x.e AT TIME ZONE $$UTC$$ FROM t x, u y WHERE @', text, truth),
);

/** Statements that write, and that answer rows, so that a query can be built around them. */
const rowWrites = [
  `INSERT INTO u (a, c) VALUES (9, 'secret') RETURNING a`,
  `UPDATE t SET b = 2 WHERE c = 'c1' RETURNING a`,
  'DELETE FROM u WHERE a > 2 RETURNING a',
];
const queryWrites = [
  `SELECT nextval('s')`,
  `SELECT setval('s', 7)`,
  'SELECT a FROM t FOR UPDATE',
  'SELECT a FROM t x WHERE a > 1 FOR NO KEY UPDATE SKIP LOCKED',
  `SELECT pg_catalog.nextval('s') FROM generate_series(1, 2)`,
  'SELECT txid_current()',
  `SELECT lo_create(0)`,
  'SELECT app.bump(a) FROM t',
];
const otherWrites = [
  'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = 1',
  'TRUNCATE u',
  'SELECT a INTO v FROM t',
  'CREATE TABLE v AS SELECT a FROM t',
  'CREATE INDEX ON t (b)',
  `COMMENT ON TABLE t IS 'x'`,
  'ALTER TABLE t ADD COLUMN f int',
  'INSERT INTO u SELECT a FROM t',
];

/** Wraps a query into a query. */
const wrappers = [
  'SELECT * FROM (@) z',
  'WITH w AS (@) SELECT * FROM w',
  'WITH w AS (WITH v AS (@) SELECT * FROM v) SELECT * FROM w',
  'SELECT (SELECT max(z.n) FROM (@) z(n))',
  'SELECT 1 WHERE EXISTS (@)',
  '(@) UNION ALL (SELECT 1)',
  'SELECT * FROM t, LATERAL (@) z',
  'SELECT CASE WHEN 1 IN (@) THEN 1 ELSE 2 END',
  'SELECT ARRAY(@)',
  'EXPLAIN (ANALYZE) @',
];

const wrapped = fc
  .tuple(
    fc.constantFrom(...queryWrites),
    fc.array(fc.constantFrom(...wrappers.slice(0, -1)), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([inner, around, explained]) => {
    const whole = around.reduce((part, wrapper) => wrapper.replace('@', () => part), inner);
    return explained ? `EXPLAIN (ANALYZE) ${whole}` : whole;
  });

const inExpressions = fc.constantFrom(
  ...rowWrites.flatMap((write) => [
    write,
    `WITH w AS (${write}) SELECT * FROM w`,
    `WITH w AS (${write}) SELECT 1`,
    `WITH w AS (SELECT 1), x AS (${write}) SELECT * FROM t`,
    `EXPLAIN ANALYZE ${write}`,
    `EXPLAIN ANALYZE WITH w AS (${write}) TABLE w`,
  ]),
  ...otherWrites,
);

/** What may stand between two pieces of a statement. */
const gap = fc.constantFrom(
  ' ',
  '\n',
  '\t',
  '  ',
  '/* x */',
  '/* SELECT 1; /* nested */ */ ',
  ' -- x\n',
  '\r\n',
  '\f',
  " /* ' */ ",
  ' --\n',
);

/** Another spelling of one word or name. */
function respelled(piece: string, kind: string, style: number): string {
  if (kind === 'string') return style % 3 === 0 ? `$q$${piece.slice(1, -1)}$q$` : style % 3 === 1 ? `E${piece}` : piece;
  if (kind !== 'word') return piece;
  const isName = /^(?:[tuvswxz]|[abc]|nextval|setval|txid_current|lo_create|bump|app)$/.test(piece);
  if (isName && style % 4 === 0) return `"${piece}"`;
  if (isName && style % 4 === 1) {
    const escaped = [...piece].map((char) => `\\${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    return `U&"${escaped}"`;
  }
  return style % 2 === 0 ? piece.toUpperCase() : piece;
}

/** Writes, wrapped and spelled in many ways. */
export const writing: fc.Arbitrary<Written> = fc
  .tuple(
    fc.oneof(wrapped, inExpressions),
    fc.array(fc.tuple(gap, fc.nat(11)), { minLength: 80, maxLength: 80 }),
    fc.constantFrom('', ';', ' ;; ', '-- end', '/* end */'),
  )
  .map(([statement, styles, end]) => {
    const parts = tokenize(statement).map(({ kind, start, end: stop }, at) => {
      const [space, style] = styles[at % styles.length] ?? [' ', 0];
      return `${space}${respelled(statement.slice(start, stop), kind, style)}`;
    });
    return { text: parts.join('') + end };
  });
