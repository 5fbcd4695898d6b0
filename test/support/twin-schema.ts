/**
 * A schema of what is hard to carry over: quoted and unicode names, types of every kind, partitions of every strategy, inheritance,
 * generated columns, expression and partial indexes, functions, views. Some thousand rows, analysed by whoever uses it.
 */
export function trapSchema(major: number): string[] {
  return [
    `
    CREATE SCHEMA "Größe ""x""";
    CREATE SCHEMA app;
    CREATE EXTENSION pg_trgm SCHEMA app;
    CREATE EXTENSION btree_gist;
    CREATE TYPE app.mood AS ENUM ('sad', 'it''s ok', 'happy');
    CREATE TYPE app.point3 AS (x float8, y float8, "Z z" int);
    CREATE DOMAIN app.percent AS int DEFAULT 0 CHECK (VALUE BETWEEN 0 AND 100);
    CREATE DOMAIN app.name AS text COLLATE "C" CHECK (VALUE <> '');
    CREATE TYPE app.spread AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = float8mi);
    CREATE COLLATION app.german (PROVIDER = icu, LOCALE = 'de');
    CREATE FUNCTION app.half(n int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT n / 2';
    CREATE FUNCTION app.slug(t text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT COST 42 AS $$
      BEGIN RETURN lower(replace(t, ' ', '-')); END $$;
    CREATE FUNCTION app.below(top int) RETURNS SETOF int LANGUAGE plpgsql STABLE ROWS 77 AS $$
      BEGIN RETURN QUERY SELECT generate_series(1, top); END $$;
    CREATE SEQUENCE app."Num ber";
    CREATE TABLE app.people (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      "Full Name" app.name NOT NULL,
      mood app.mood,
      done app.percent NOT NULL,
      place app.point3,
      born date,
      tags text[],
      data jsonb,
      doc tsvector,
      spread app.spread,
      during tstzrange,
      code char(8) DEFAULT 'x',
      ref uuid,
      amount numeric(12, 2),
      halved int GENERATED ALWAYS AS (app.half((done)::int)) STORED,
      number bigint DEFAULT nextval('app."Num ber"'),
      title text COLLATE app.german,
      CHECK (born > '1900-01-01')
    ) WITH (fillfactor = 80, parallel_workers = 3);
    INSERT INTO app.people ("Full Name", mood, done, place, born, tags, data, doc, spread, during, ref, amount, title)
    SELECT 'Person ' || i, (enum_range(NULL::app.mood))[1 + (i % 7) / 3], i % 101, ROW(i, i / 2.0::float8, i % 10)::app.point3,
           CASE WHEN i % 10 > 0 THEN date '1950-01-01' + i % 20000 END,
           ARRAY['t' || i % 13, 'comma, "quote" \\ ' || i % 5], jsonb_build_object('k', i % 50, 'n', i),
           to_tsvector('english', 'word' || i % 40 || ' and word' || i % 11), app.spread(i % 100, i % 100 + 5),
           tstzrange(timestamptz '2024-01-01' + i * interval '1 hour', timestamptz '2024-01-02' + i * interval '1 hour'),
           gen_random_uuid(), i * 0.13, 'Ä' || i % 300
      FROM generate_series(1, 20000) i;
    CREATE INDEX people_mood ON app.people (mood, born DESC NULLS LAST) INCLUDE (done);
    CREATE INDEX "people Slug" ON app.people (app.slug("Full Name"));
    CREATE INDEX people_part ON app.people (amount) WHERE done > 90;
    CREATE INDEX people_tags ON app.people USING gin (tags);
    CREATE INDEX people_data ON app.people USING gin (data jsonb_path_ops);
    CREATE INDEX people_doc ON app.people USING gin (doc);
    CREATE INDEX people_trgm ON app.people USING gin ("Full Name" app.gin_trgm_ops);
    CREATE INDEX people_during ON app.people USING gist (during);
    CREATE INDEX people_brin ON app.people USING brin (id) WITH (pages_per_range = 16);
    CREATE INDEX people_hash ON app.people USING hash (ref);
    CREATE INDEX people_pattern ON app.people (title text_pattern_ops);
    CREATE UNIQUE INDEX people_number ON app.people (number) NULLS NOT DISTINCT;
    CREATE INDEX people_two ON app.people ((data ->> 'k'), (done + 1));
    `,
    `
    CREATE TABLE "Größe ""x"""."Tabelle; DROP" (
      "Schlüssel" int PRIMARY KEY,
      "select" int REFERENCES "Größe ""x"""."Tabelle; DROP",
      "日本" text,
      person bigint REFERENCES app.people
    );
    INSERT INTO "Größe ""x"""."Tabelle; DROP" SELECT i, nullif(i / 2, 0), 'w' || i % 90, 1 + i FROM generate_series(1, 9000) i;
    CREATE INDEX "Index ""ü""" ON "Größe ""x"""."Tabelle; DROP" ("日本");
    CREATE VIEW app.happy AS
      SELECT p.id, p."Full Name" AS "N ame", t."日本"
        FROM app.people p JOIN "Größe ""x"""."Tabelle; DROP" t ON t.person = p.id
       WHERE p.mood = 'happy';
    CREATE VIEW app.sums WITH (security_barrier) AS SELECT mood, count(*) AS n FROM app.people GROUP BY mood;
    CREATE MATERIALIZED VIEW app.per_title AS SELECT title, count(*) AS n, sum(amount) AS amount FROM app.people GROUP BY title;
    CREATE UNIQUE INDEX per_title_key ON app.per_title (title);
    `,
    `
    CREATE TABLE events (at timestamptz NOT NULL, kind int NOT NULL, body text, id bigint, PRIMARY KEY (id, at, kind)) PARTITION BY RANGE (at);
    CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01') PARTITION BY LIST (kind);
    CREATE TABLE events_2025_a PARTITION OF events_2025 FOR VALUES IN (1, 2);
    CREATE TABLE events_2025_rest PARTITION OF events_2025 DEFAULT;
    CREATE TABLE events_rest PARTITION OF events DEFAULT;
    CREATE INDEX events_kind ON events (kind, at);
    INSERT INTO events SELECT timestamptz '2024-01-01' + i * interval '1 hour', i % 5, repeat('b', i % 30), i
      FROM generate_series(1, 20000) i;
    CREATE TABLE hashed (k int NOT NULL, v text) PARTITION BY HASH (k);
    CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
    CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
    INSERT INTO hashed SELECT i % 500, 'v' || i FROM generate_series(1, 10000) i;
    CREATE TABLE parent (a int, b text, CHECK (a > 0));
    CREATE TABLE child (c int) INHERITS (parent);
    INSERT INTO parent SELECT i, 'p' FROM generate_series(1, 500) i;
    INSERT INTO child SELECT i, 'c' || i % 3, i FROM generate_series(1, 5000) i;
    CREATE TABLE booking (room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
    CREATE TABLE correlated (a int, b int, c text);
    INSERT INTO correlated SELECT i % 100, i % 100 / 10, 'c' || i % 100 FROM generate_series(1, 20000) i;
    CREATE STATISTICS correlated_all ON a, b, c FROM correlated;
    CREATE STATISTICS correlated_expr ON (a + b), c FROM correlated;
    CREATE TABLE empty_never_analyzed (id int PRIMARY KEY, note text);
    `,
    ...(major >= 18
      ? [
          `CREATE TABLE app.virtual (a int, doubled int GENERATED ALWAYS AS (a * 2) VIRTUAL, note text);
          INSERT INTO app.virtual (a) SELECT i % 90 FROM generate_series(1, 3000) i`,
        ]
      : []),
    'VACUUM ANALYZE',
  ];
}

/** Statements on that schema, of many kinds. */
export const trapStatements: readonly string[] = [
  `SELECT * FROM app.people WHERE id = 77`,
  `SELECT * FROM app.people WHERE mood = 'happy' AND born > '1980-01-01' ORDER BY born DESC NULLS LAST LIMIT 5`,
  `SELECT done FROM app.people WHERE mood = 'sad'`,
  `SELECT * FROM app.people WHERE app.slug("Full Name") = 'person-77'`,
  `SELECT * FROM app.people WHERE amount BETWEEN 1000 AND 1010 AND done > 95`,
  `SELECT * FROM app.people WHERE tags @> ARRAY['t5']`,
  `SELECT * FROM app.people WHERE data @> '{"k": 7}'`,
  `SELECT * FROM app.people WHERE doc @@ to_tsquery('english', 'word7')`,
  `SELECT * FROM app.people WHERE "Full Name" LIKE '%son 777%'`,
  `SELECT * FROM app.people WHERE during && tstzrange('2024-03-01', '2024-03-02')`,
  `SELECT * FROM app.people WHERE ref = '6f2d6f0e-2d0f-4b2c-8d64-1d5a3a6f9a55'`,
  `SELECT * FROM app.people WHERE title LIKE 'Ä29%'`,
  `SELECT * FROM app.people WHERE title = 'Ä29' AND halved = 3`,
  `SELECT * FROM app.people WHERE spread @> 42::float8`,
  `SELECT * FROM app.people WHERE data ->> 'k' = '7' AND done + 1 = 5`,
  `SELECT * FROM app.people WHERE born < '1890-01-01'`,
  `SELECT mood, born, count(*) FROM app.people GROUP BY mood, born ORDER BY 3 DESC`,
  `SELECT count(DISTINCT title) FROM app.people`,
  `SELECT * FROM app.happy WHERE "日本" = 'w5'`,
  `SELECT * FROM app.sums WHERE n > 5`,
  `SELECT * FROM app.per_title WHERE title = 'Ä5'`,
  `SELECT a."Schlüssel" FROM "Größe ""x"""."Tabelle; DROP" a JOIN "Größe ""x"""."Tabelle; DROP" b ON a."select" = b."Schlüssel"`,
  `SELECT p.id FROM "Größe ""x"""."Tabelle; DROP" t LEFT JOIN app.people p ON p.id = t.person WHERE t."日本" = 'w7'`,
  `SELECT * FROM events WHERE at = '2024-05-05 05:00+00' AND kind = 2`,
  `SELECT * FROM events WHERE at BETWEEN '2025-02-01' AND '2025-03-01' AND kind = 1`,
  `SELECT kind, count(*) FROM events GROUP BY kind`,
  `SELECT * FROM events WHERE id = 555`,
  `SELECT * FROM hashed WHERE k = 7`,
  `SELECT h.v FROM hashed h JOIN hashed i USING (k) WHERE i.v = 'v77'`,
  `SELECT * FROM parent WHERE a = 7`,
  `SELECT * FROM parent WHERE a < -5`,
  `SELECT * FROM correlated WHERE a = 7 AND b = 0 AND c = 'c7'`,
  `SELECT a, b, c, count(*) FROM correlated GROUP BY a, b, c`,
  `SELECT * FROM correlated WHERE a + b = 12`,
  `SELECT * FROM empty_never_analyzed WHERE note = 'x'`,
  `SELECT * FROM app.below(3) b JOIN app.people p ON p.id = b`,
  `INSERT INTO app.people ("Full Name", done) SELECT "Full Name", done FROM app.people WHERE done = 5`,
  `UPDATE app.people SET amount = amount + 1 WHERE born = '1970-01-01'`,
  `DELETE FROM events WHERE kind = 4 AND at < '2024-02-01'`,
  `WITH RECURSIVE up AS (SELECT 1 AS k UNION ALL SELECT t."select" FROM up JOIN "Größe ""x"""."Tabelle; DROP" t ON t."Schlüssel" = up.k)
   SELECT * FROM up`,
  `SELECT p.id, r.room FROM app.people p CROSS JOIN LATERAL (SELECT room FROM booking WHERE room = p.done LIMIT 1) r`,
  `SELECT sum(amount) OVER (PARTITION BY mood ORDER BY born) FROM app.people`,
];
