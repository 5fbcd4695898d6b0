import { Client, type QueryConfig } from 'pg';

/** Texts are taken from so many: the same one comes again after several MB only, which is more than compression looks back. */
const noteCount = 131_072;
const wordCount = 4096;

const tables = `
  CREATE TABLE notes (id int PRIMARY KEY, note text NOT NULL, word text NOT NULL);
  CREATE TABLE orders (
    id          bigint        NOT NULL,
    customer_id int           NOT NULL,
    placed_at   timestamptz   NOT NULL,
    status      text          NOT NULL,
    total       numeric(12,2) NOT NULL,
    weight      float8        NOT NULL,
    reference   uuid          NOT NULL,
    note        text,
    details     jsonb         NOT NULL
  );
  -- What is compressed or encrypted already, and so cannot be made smaller: photographs, tokens.
  CREATE TABLE attachments (id bigint NOT NULL, order_id bigint NOT NULL, content bytea NOT NULL);
  ALTER TABLE attachments ALTER content SET STORAGE external;
  CREATE TABLE pulse (id int PRIMARY KEY, beats bigint NOT NULL);
  INSERT INTO pulse SELECT n, 0 FROM generate_series(1, 1000) n;`;

/** Every figure of a row is made of the hash of its number, so that each run has the same rows. */
const orders = `
  INSERT INTO orders
  SELECT n,
         (h & 1048575)::int % 200000,
         timestamptz '2024-01-01 00:00+00' + n * interval '7.3 s' + (h >> 20 & 65535) * interval '1 ms',
         (ARRAY['delivered', 'delivered', 'delivered', 'paid', 'sent', 'open', 'returned', 'cancelled'])[1 + (h & 7)],
         ((h >> 8 & 16777215)::numeric / 977)::numeric(12,2),
         exp(((h >> 16) & 65535)::float8 / 9000),
         md5(n::text)::uuid,
         CASE WHEN h & 3 > 0 THEN note END,
         jsonb_build_object(
           'items', jsonb_build_array(
             jsonb_build_object('sku', 'SKU-' || (h >> 3 & 16383), 'count', 1 + (h >> 17 & 3), 'price', (h >> 19 & 4095) / 10.0),
             jsonb_build_object('sku', 'SKU-' || (i >> 5 & 16383), 'count', 1 + (i >> 21 & 3), 'price', (i >> 23 & 4095) / 10.0)),
           'channel', (ARRAY['web', 'app', 'shop'])[1 + (i & 1) + (i >> 1 & 1)],
           'agent', word || '/' || (i >> 9 & 15) || '.' || (h >> 11 & 15))
  FROM   (SELECT n, hashint8extended(n, 1) & 9223372036854775807 AS h, hashint8extended(n, 2) & 9223372036854775807 AS i
          FROM   generate_series($from, $to) n
          OFFSET 0) numbers
  JOIN   notes ON notes.id = (h >> 24 & ${noteCount - 1})`;

const attachments = `
  INSERT INTO attachments
  SELECT n,
         n * 61,
         (SELECT string_agg(sha512((n || '.' || part)::bytea), '') FROM generate_series(1, 16 + n % 160) part)
  FROM   generate_series($from, $to) n`;

const indexes = [
  ['ALTER TABLE orders ADD PRIMARY KEY (id)', 'ALTER TABLE attachments ADD PRIMARY KEY (id)'],
  ['CREATE INDEX ON orders (customer_id, placed_at)'],
];

/**
 * Makes a database of orders with texts, numbers, times, JSON and some that cannot be compressed; the same at every run.
 * `scale`: 1 is about 1 GB. The server is to write no more log than it must (`wal_level=minimal`).
 */
export async function makeData(url: string, scale: number): Promise<void> {
  await run(url, tables);
  const { notes, words } = texts();
  await run(url, { text: fill, values: [notes, words] }, 'ANALYZE notes');
  const orderCount = Math.round(2_000_000 * scale);
  const attachmentCount = Math.round(22_000 * scale);
  const half = Math.floor(orderCount / 2);
  await Promise.all([
    run(url, between(orders, 1, half)),
    run(url, between(orders, half + 1, orderCount)).then(() => run(url, between(attachments, 1, attachmentCount))),
  ]);
  await Promise.all(indexes.map((statements) => run(url, statements.join(';'))));
  // So that no backup finds rows that were never looked at, and has to write their hint bits.
  await run(url, 'VACUUM (FREEZE, ANALYZE) orders', 'VACUUM (FREEZE, ANALYZE) attachments', 'CHECKPOINT');
}

const fill = `
  INSERT INTO notes
  SELECT number - 1, note, word
  FROM   unnest($1::text[], $2::text[]) WITH ORDINALITY AS given (note, word, number)`;

/** Texts of 4 to 19 words. Some words are much more frequent than others, as words are. */
function texts(): { notes: string[]; words: string[] } {
  let state = 1;
  const below = (limit: number): number => {
    // Numerical Recipes' generator: the same numbers at every run.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  const word = (): string => String.fromCharCode(...Array.from({ length: 2 + below(9) }, () => 97 + below(26)));
  const known = Array.from({ length: wordCount }, word);
  const drawn = (): string => known[Math.floor((below(wordCount) * below(wordCount)) / wordCount)] ?? '';
  const note = (): string => Array.from({ length: 4 + below(16) }, drawn).join(' ');
  return { notes: Array.from({ length: noteCount }, note), words: Array.from({ length: noteCount }, drawn) };
}

const between = (text: string, from: number, to: number): string =>
  text.replace('$from', String(from)).replace('$to', String(to));

async function run(url: string, ...statements: (string | QueryConfig)[]): Promise<void> {
  const client = new Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
