import fc from 'fast-check';
import pg from 'pg';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDescriber, loadParser } from './index.ts';
import { query, type Query, writing, type Written } from '../../../test/support/statement-generator.ts';
import { tokenize } from '../tokens.ts';

const describe = createDescriber();

const schema = `
  CREATE SCHEMA app;
  CREATE TABLE t (a int PRIMARY KEY, b int, c text, d jsonb, e timestamptz);
  CREATE TABLE u (a int, b int, c text);
  INSERT INTO t SELECT n, n % 3, 'c' || n, jsonb_build_object('k', n), 'epoch' FROM generate_series(1, 6) n;
  INSERT INTO u SELECT n, n % 2, 'u' || n FROM generate_series(1, 4) n;
  CREATE SEQUENCE s;
  CREATE FUNCTION app.bump(n int) RETURNS int LANGUAGE sql AS 'UPDATE u SET b = b + 1; SELECT n';`;

/** All that a statement could change: rows, sequences, definitions, and what its session holds. */
const state = `
  SELECT md5(concat_ws('|',
    (SELECT string_agg(t::text, ',' ORDER BY a) FROM t),
    (SELECT string_agg(u::text, ',' ORDER BY a, c) FROM u),
    (SELECT row(last_value, is_called) FROM s),
    (SELECT count(*) FROM pg_class),
    (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT string_agg(name || '=' || setting, ',' ORDER BY name) FROM pg_settings),
    current_setting('app.x', true),
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
    (SELECT count(*) FROM pg_prepared_statements),
    (SELECT count(*) FROM pg_cursors),
    (SELECT count(*) FROM pg_listening_channels()),
    (SELECT string_agg(oid::text || relfilenode, ',' ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)
  )) AS state`;

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  await loadParser();
  database = await testDatabase();
  await database.query(schema);
  client = new pg.Client(database.url);
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await database[Symbol.asyncDispose]();
});

/** SQLSTATE of what a statement answers in a transaction that may not write; `undefined` when it is done. */
async function refusal(text: string): Promise<string | undefined> {
  await client.query('BEGIN READ ONLY');
  try {
    await client.query(text);
    const [row] = (await client.query<{ xid: string | null }>('SELECT pg_current_xact_id_if_assigned() AS xid')).rows;
    return row?.xid == null ? undefined : 'an xid is assigned';
  } catch (error) {
    return error instanceof pg.DatabaseError ? error.code : String(error);
  } finally {
    await client.query('ROLLBACK');
  }
}

const readOnlyTransaction = '25006';

test('a query made of harmless parts is called read-only, and changes nothing', async () => {
  let done = 0;
  await fc.assert(
    fc.asyncProperty(query, async ({ text, writes }: Query) => {
      const { readOnly, kind } = describe(text);
      expect(kind).toBe('select');
      expect(readOnly).toBe(!writes);
      if (!readOnly) return;
      expect(await refusal(text)).not.toBe(readOnlyTransaction);
      const before = await client.query(state);
      const failed = await client.query(text).then(
        () => false,
        () => true,
      );
      expect((await client.query(state)).rows).toEqual(before.rows);
      if (!failed) done++;
    }),
    { numRuns: 250 },
  );
  // The queries are such that servers run most of them.
  expect(done).toBeGreaterThan(80);
});

test('a write is never called read-only, however it is wrapped and written', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(writing, async ({ text }: Written) => {
      expect(describe(text).readOnly).toBe(false);
      if ((await refusal(text)) === readOnlyTransaction) refused++;
    }),
    { numRuns: 250 },
  );
  // They are writes to the server as well, not texts that nobody understands.
  expect(refused).toBeGreaterThan(150);
});

const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('utf8')),
  fc.array(fc.integer({ min: 0xd7f0, max: 0xe010 }), { maxLength: 50 }).map((units) => String.fromCharCode(...units)),
);

test('noise is never read-only, nor does it throw', () => {
  fc.assert(
    fc.property(noise, (text) => {
      expect(describe(text).readOnly).toBe(false);
    }),
    { numRuns: 2000 },
  );
});

const pieces = fc.oneof(
  { weight: 1, arbitrary: noise },
  {
    weight: 9,
    arbitrary: fc.constantFrom(
      ...`SELECT;FROM;t;WHERE;(;);,;*;';";$$;$a$;--;/*;*/;$1;1.5e;::;int;AND;NOT;WITH;AS;INSERT INTO;VALUES;UPDATE;SET;=;DELETE;
      ARRAY[;];a;.;b;EXPLAIN;ORDER BY;LIMIT;JOIN;ON;U&";E'\\;UNION;CASE;WHEN;END;JSON_TABLE(;XMLELEMENT(;INTERVAL`.split(
        ';',
      ),
    ),
  },
);

test('pieces of statements never throw, leave no value in the normalized text, and are read-only only as queries', () => {
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
      const text = parts.join(' ');
      const { readOnly, single, session, fingerprint } = describe(text);
      expect(fingerprint).toMatch(/^[0-9a-f]{16}$/);
      if (!readOnly) return;
      expect(single).toBe(true);
      expect(session).toBe(false);
      expect(tokenize(text).find((token) => token.text !== '(')?.text).toMatch(
        /^(?:select|with|values|explain|table)$/,
      );
    }),
    { numRuns: 3000 },
  );
});

test('a constant never stays in the normalized text', () => {
  const secret = 'hunter2';
  const literal = fc.constantFrom(
    `'${secret}'`,
    `E'\\'${secret}'`,
    `$$${secret}$$`,
    `$x$ '${secret}' $x$`,
    `'a'\n '${secret}'`,
    `U&'${secret}'`,
  );
  const around = fc.constantFrom(
    'SELECT @',
    'SELECT a FROM t WHERE c = @',
    'SET app.x = @',
    'ALTER ROLE r PASSWORD @',
    'SELECT @ FROM',
    `COMMENT ON TABLE t IS @`,
    'INSERT INTO t VALUES (@, @)',
    'COPY t FROM STDIN DELIMITER @',
    'NOTIFY a, @',
    'DO @',
    'SELECT a IN (@, @, 1)',
    'CALL p(@)',
  );
  fc.assert(
    fc.property(around, literal, fc.string(), (text, value, comment) => {
      const whole = `${text.replaceAll('@', () => value)} -- ${comment.replaceAll(/[\r\n\0]/g, ' ')} ${secret}`;
      expect(describe(whole).normalized).not.toContain(secret);
    }),
  );
});
