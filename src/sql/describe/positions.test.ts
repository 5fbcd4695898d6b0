import { beforeAll, expect, test } from 'vitest';
import { describe, loadParser } from './index.ts';

beforeAll(loadParser);

/** Every place of a query in which an expression can stand; `@` is the expression. */
const expressions = `
  SELECT @ |SELECT a, @ AS b FROM t |SELECT DISTINCT ON (@) a FROM t |SELECT ALL @ |(((SELECT @))) |VALUES (1), (@)
  SELECT * FROM t WHERE @ > 0 |SELECT a FROM t GROUP BY @ |SELECT a FROM t GROUP BY ROLLUP (a, @)
  SELECT a FROM t GROUP BY GROUPING SETS ((a), (@)) |SELECT max(a) FROM t HAVING @ > 0 |SELECT a FROM t ORDER BY @
  SELECT a FROM t ORDER BY @ USING < |SELECT a FROM t LIMIT @ |SELECT a FROM t OFFSET @ |SELECT a FROM t FETCH FIRST (@) ROWS ONLY
  SELECT 1 UNION SELECT @ |SELECT @ EXCEPT ALL SELECT 1 |(SELECT 1 ORDER BY @) INTERSECT SELECT 2
  WITH x AS (SELECT @) SELECT 1 FROM x |WITH x AS MATERIALIZED (VALUES (@)) TABLE x |WITH x AS (WITH y AS (SELECT @) TABLE y) TABLE x
  WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT @ FROM x) TABLE x
  WITH RECURSIVE x(a) AS (SELECT 1 UNION ALL SELECT 1 FROM x) CYCLE a SET b TO 'y' DEFAULT 'n' USING p SELECT @ FROM x
  SELECT * FROM (SELECT @) x |SELECT * FROM t, LATERAL (SELECT @) x |SELECT * FROM (VALUES (@)) x |SELECT * FROM (t JOIN u ON @ > 0)
  SELECT * FROM t LEFT JOIN (u JOIN v ON @ > 0) ON true |SELECT * FROM @ x |SELECT * FROM LATERAL @ WITH ORDINALITY x
  SELECT * FROM ROWS FROM (@, generate_series(1, 2)) x |SELECT * FROM generate_series(1, @)
  SELECT * FROM t TABLESAMPLE SYSTEM (@) |SELECT * FROM t TABLESAMPLE SYSTEM (1) REPEATABLE (@)
  SELECT (SELECT @) |SELECT ARRAY(SELECT @) |SELECT EXISTS (SELECT @) |SELECT 1 IN (SELECT @) |SELECT @ IN (SELECT 1) |SELECT 1 = ANY (SELECT @)
  SELECT (1, @) = (SELECT 1, 2) |SELECT 1 IN (2, @) |SELECT @ NOT IN (1, 2) |SELECT 1 = ANY (ARRAY[@]) |SELECT ARRAY[[1], [@]]
  SELECT lower(@::text) |SELECT coalesce(1, @) |SELECT nullif(1, @) |SELECT greatest(1, @) |SELECT least(@, 1) |SELECT format('%s', VARIADIC ARRAY[@])
  SELECT make_interval(days => @) |SELECT sum(@) |SELECT count(DISTINCT @) |SELECT sum(1) FILTER (WHERE @ > 0)
  SELECT string_agg('a', 'b' ORDER BY @) |SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY @) |SELECT sum(@) OVER ()
  SELECT sum(1) OVER (PARTITION BY @) |SELECT sum(1) OVER (ORDER BY @) |SELECT sum(1) OVER (ROWS BETWEEN @ PRECEDING AND CURRENT ROW)
  SELECT sum(1) OVER (ROWS BETWEEN 1 PRECEDING AND @ FOLLOWING) |SELECT sum(1) OVER w FROM t WINDOW w AS (ORDER BY @)
  SELECT CASE WHEN @ > 0 THEN 1 END |SELECT CASE @ WHEN 1 THEN 2 END |SELECT CASE WHEN true THEN @ END |SELECT CASE WHEN true THEN 1 ELSE @ END
  SELECT NOT @ > 0 |SELECT true AND @ > 0 |SELECT false OR @ > 0 |SELECT -@ |SELECT @ + 1 |SELECT 1 OPERATOR(pg_catalog.+) @
  SELECT @ IS NULL |SELECT (@ > 0) IS NOT TRUE |SELECT @ IS DISTINCT FROM 1 |SELECT @ BETWEEN 1 AND 2 |SELECT 1 BETWEEN @ AND 2 |SELECT 1 BETWEEN SYMMETRIC 0 AND @
  SELECT 'a' LIKE @::text |SELECT 'a' LIKE 'b' ESCAPE @::text |SELECT 'a' SIMILAR TO @::text |SELECT @::text COLLATE "C" |SELECT CAST(@ AS text) |SELECT @::int::text
  SELECT ROW(1, @) |SELECT (1, @) |SELECT (ROW(@)).f1 |SELECT (ARRAY[1])[@] |SELECT (ARRAY[1])[@:2] |SELECT (ARRAY[1])[1:@] |SELECT a[@] FROM t
  SELECT now() AT TIME ZONE @::text |SELECT extract(year FROM to_timestamp(@)) |SELECT substring('a' FROM @::int) |SELECT overlay('a' PLACING 'b' FROM @::int)
  SELECT position('a' IN @::text) |SELECT trim(LEADING @::text FROM 'a') |SELECT (now(), now()) OVERLAPS (now(), to_timestamp(@)) |SELECT @::text IS NORMALIZED
  SELECT xmlelement(name a, @) |SELECT xmlelement(name a, xmlattributes(@ AS b)) |SELECT xmlforest(@ AS a) |SELECT xmlconcat(xmlcomment(@::text))
  SELECT xmlparse(content @::text) |SELECT xmlpi(name a, @::text) |SELECT xmlroot(xmlparse(content 'a'), version @::text)
  SELECT xmlserialize(content xmlelement(name a, @) AS text) |SELECT xmlexists('//a' PASSING xmlelement(name a, @)) |SELECT xmlelement(name a, @) IS DOCUMENT
  SELECT * FROM xmltable('//a' PASSING xmlelement(name b, @) COLUMNS c int PATH 'd') |SELECT * FROM xmltable((@::text) PASSING e COLUMNS c int PATH 'd')
  SELECT * FROM xmltable('//a' PASSING e COLUMNS c int PATH @::text) |SELECT * FROM xmltable('//a' PASSING e COLUMNS c int DEFAULT @)
  SELECT * FROM xmltable(XMLNAMESPACES (@::text AS n), '//a' PASSING e COLUMNS c int)
  SELECT json_object('a': @) |SELECT json_object(@::text: 1) |SELECT json_array(1, @) |SELECT json_array(SELECT @) |SELECT json_objectagg('a': @) |SELECT json_arrayagg(@)
  SELECT json_arrayagg(1 ORDER BY @) |SELECT json_arrayagg(1) FILTER (WHERE @ > 0) |SELECT json_arrayagg(1) OVER (ORDER BY @)
  SELECT json(@::text) |SELECT json_scalar(@) |SELECT json_serialize(json_scalar(@)) |SELECT @::text IS JSON
  SELECT json_value(@::text::jsonb, '$') |SELECT json_value('{}'::jsonb, @::text::jsonpath) |SELECT json_query('{}'::jsonb, '$' PASSING @ AS x)
  SELECT json_exists('{}'::jsonb, '$x' PASSING @ AS x) |SELECT json_value('{}'::jsonb, '$' DEFAULT @ ON EMPTY) |SELECT json_value('{}'::jsonb, '$' DEFAULT @ ON ERROR)
  SELECT * FROM json_table(@::text::jsonb, '$' COLUMNS (a int PATH '$')) |SELECT * FROM json_table('{}'::jsonb, '$' PASSING @ AS x COLUMNS (a int PATH '$'))
  SELECT * FROM json_table('{}'::jsonb, '$' COLUMNS (a int PATH '$' DEFAULT @ ON EMPTY))
  SELECT * FROM json_table('{}'::jsonb, '$' COLUMNS (NESTED PATH '$' COLUMNS (a int PATH '$' DEFAULT @ ON ERROR)))
  EXPLAIN ANALYZE SELECT @ |EXPLAIN (ANALYZE, FORMAT json) SELECT @ |EXPLAIN (COSTS off, ANALYZE true) VALUES (@)`
  .split(/[|\n]/)
  .map((text) => text.trim())
  .filter((text) => text !== '');

test.each(expressions)('a call that writes is seen in %s', (place) => {
  expect(describe(place.replaceAll('@', "nextval('s')"))).toMatchObject({ readOnly: false, single: true });
  expect(describe(place.replaceAll('@', 'app.f()')).session).toBe(true);
  // The place by itself is harmless.
  expect(describe(place.replaceAll('@', 'abs(1)'))).toMatchObject({ readOnly: true, session: false });
});

/** Every place in which a query can stand; `@` is the query. */
const queries = `
  SELECT * FROM (@) x |WITH x AS (@) TABLE x |WITH x AS (WITH y AS (@) TABLE y) TABLE x |SELECT (SELECT a FROM (@) x) |SELECT EXISTS (@)
  SELECT 1 IN (@) |SELECT ARRAY(@) |(@) UNION ALL (SELECT 1) |(SELECT 1) EXCEPT (@) |SELECT * FROM t, LATERAL (@) x |((@)) |EXPLAIN ANALYZE @
  SELECT * FROM t WHERE a = ALL (@) |SELECT CASE WHEN (@) = 1 THEN 2 END |SELECT json_array(@) |SELECT a FROM t ORDER BY (@) |SELECT a FROM t LIMIT (@)
  WITH RECURSIVE x AS (@) TABLE x`
  .split(/[|\n]/)
  .map((text) => text.trim())
  .filter((text) => text !== '');

test.each(queries)('a query that locks is seen in %s', (place) => {
  expect(describe(place.replaceAll('@', 'SELECT a FROM t'))).toMatchObject({ readOnly: true });
  for (const lock of ['FOR UPDATE', 'FOR NO KEY UPDATE', 'FOR SHARE', 'FOR KEY SHARE', 'FOR UPDATE OF t SKIP LOCKED']) {
    const { kind, readOnly } = describe(place.replaceAll('@', `SELECT a FROM t ${lock}`));
    expect(kind).not.toBe('unknown');
    expect(readOnly).toBe(false);
  }
});
