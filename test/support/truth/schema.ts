import pg from 'pg';

/** Few enough rows that the same are asked for and written again and again. */
export const accounts = 60;
/** Every other write, and every other question, is about those up to this one. */
export const popular = 8;
export const regions = 6;
export const docs = 30;
export const sensors = 8;
export const days = 12;
/** Rows that one loop of one process writes, each of its own. */
const counters = 2000;

/** Days of three months, so that partitions have some each. */
export const dayOf = (number: number): string =>
  `2026-0${1 + (number % 3)}-${String(1 + ((number * 5) % 27)).padStart(2, '0')}`;
export const tokenOf = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
export const slugOf = (number: number): string => `doc ${number}`;

/** Tables of several kinds, with what changes them indirectly: foreign keys, a trigger, partitions, views. */
const schema = `
  CREATE TABLE accounts (
    id      int PRIMARY KEY,
    region  int NOT NULL,
    balance int NOT NULL,
    name    text NOT NULL UNIQUE,
    active  boolean NOT NULL DEFAULT true
  );
  CREATE TABLE items (
    account int REFERENCES accounts ON DELETE CASCADE ON UPDATE CASCADE,
    line    int,
    note    text,
    PRIMARY KEY (account, line)
  );
  CREATE TABLE docs (slug text PRIMARY KEY, body text, rank numeric(10, 2) NOT NULL, at timestamptz NOT NULL);
  CREATE TABLE docs_before (LIKE docs INCLUDING ALL);
  CREATE TABLE edits (slug text PRIMARY KEY, times bigint NOT NULL);
  CREATE TABLE tokens (id uuid PRIMARY KEY, account int NOT NULL, data jsonb);
  CREATE TABLE measures (day date, sensor smallint, value double precision, PRIMARY KEY (day, sensor)) PARTITION BY RANGE (day);
  CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE measures_2 PARTITION OF measures FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
  CREATE TABLE measures_rest PARTITION OF measures DEFAULT;
  CREATE TABLE counters (id bigint PRIMARY KEY, n bigint NOT NULL);
  CREATE TABLE markers (id int PRIMARY KEY, n int NOT NULL);

  CREATE FUNCTION fee(amount int) RETURNS int LANGUAGE sql IMMUTABLE RETURN amount / 10;
  CREATE FUNCTION note_edit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO edits VALUES (coalesce(NEW.slug, OLD.slug), 1)
          ON CONFLICT (slug) DO UPDATE SET times = edits.times + 1;
      RETURN NULL;
    END $$;
  CREATE TRIGGER edited AFTER INSERT OR UPDATE OR DELETE ON docs FOR EACH ROW EXECUTE FUNCTION note_edit();
  CREATE FUNCTION bump(which bigint, upto bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN UPDATE counters SET n = upto WHERE id = which; END $$;
  CREATE VIEW rich AS SELECT id, balance FROM accounts WHERE balance > 100;
  CREATE VIEW holdings AS SELECT a.id, a.name, i.line, i.note FROM accounts a LEFT JOIN items i ON i.account = a.id;
  CREATE VIEW counted AS SELECT id, n FROM counters WHERE n >= 0;

  INSERT INTO accounts SELECT i, i % ${regions}, 100, 'account ' || i FROM generate_series(1, ${accounts}) i;
  INSERT INTO items SELECT i, l, 'first' FROM generate_series(1, ${accounts}) i, generate_series(1, 2) l;
  INSERT INTO docs SELECT 'doc ' || i, 'text', i, '2026-01-01' FROM generate_series(0, ${docs - 1}) i;
  INSERT INTO docs_before SELECT * FROM docs;
  INSERT INTO tokens SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 1 + i % ${accounts}, '{}'
    FROM generate_series(0, 29) i;
  INSERT INTO measures SELECT d, s, 1 FROM unnest($1::date[]) d, generate_series(1, ${sensors}) s;
  INSERT INTO counters SELECT i, 0 FROM generate_series(0, ${counters - 1}) i;
  INSERT INTO markers VALUES (1, 0);
`;

/** @param url of an empty database, as the role that is to own all of it */
export async function prepareTruth(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const list = Array.from({ length: days }, (_, day) => `"${dayOf(day)}"`).join(',');
    await client.query(schema.replace('$1', `'{${list}}'`));
  } finally {
    await client.end();
  }
}
