import { accounts, dayOf, days, docs, popular, regions, sensors, slugOf, tokenOf } from './schema.ts';

/** What readers ask, with values that can be sent to another process as they are. */
export interface Question {
  readonly text: string;
  readonly values: readonly unknown[];
}

const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => i + from);

/** Statements by key and by range, joins, views, partitions, aggregates; parameters of several types, and written in several ways. */
export const questions: readonly Question[] = [
  ...range(accounts, 1).flatMap((id) => [
    { text: 'SELECT id, region, balance, name, active FROM accounts WHERE id = $1', values: [id] },
    { text: 'SELECT * FROM accounts WHERE id = $1::int8', values: [`0${id}`] },
    { text: 'SELECT balance FROM accounts WHERE $1 = id', values: [` +${id} `] },
    { text: `SELECT name, fee(balance) AS fee FROM accounts WHERE id = ${id}`, values: [] },
    { text: 'SELECT id, balance FROM accounts WHERE name = $1', values: [`account ${id}`] },
    { text: 'SELECT line, note FROM items WHERE account = $1 ORDER BY line', values: [id] },
    { text: 'SELECT note FROM items WHERE account = $1 AND line = $2', values: [id, 1 + (id % 2)] },
    { text: 'SELECT * FROM holdings WHERE id = $1 ORDER BY line', values: [id] },
    {
      text: 'SELECT a.balance, t.id FROM accounts a JOIN tokens t ON t.account = a.id WHERE a.id = $1 ORDER BY t.id',
      values: [id],
    },
    { text: 'SELECT id, balance FROM accounts WHERE id = $1 OR id = $2 ORDER BY id', values: [id, id + 1] },
    { text: 'SELECT id, balance FROM accounts WHERE id = ANY($1::int[]) ORDER BY id', values: [[id, id + 2]] },
    { text: 'SELECT EXISTS (SELECT FROM rich WHERE id = $1) AS rich', values: [id] },
  ]),
  ...range(regions).flatMap((region) => [
    {
      text: 'SELECT count(*) AS accounts, sum(balance) AS balance FROM accounts WHERE region = $1 AND active = $2',
      values: [region, region % 2 === 0],
    },
    { text: 'SELECT id, balance FROM accounts WHERE region = $1 ORDER BY balance DESC, id LIMIT 3', values: [region] },
    {
      text: `WITH chosen AS (SELECT id FROM accounts WHERE region = $1)
             SELECT count(*) AS items FROM items WHERE account IN (SELECT id FROM chosen)`,
      values: [region],
    },
    {
      text: 'SELECT region, sum(sum(balance)) OVER (ORDER BY region) AS upto FROM accounts WHERE region <= $1 GROUP BY region ORDER BY region',
      values: [region],
    },
    { text: 'SELECT count(*) AS rich FROM rich WHERE id % 6 = $1::int', values: [region] },
    {
      text: 'SELECT count(*) AS n FROM accounts WHERE balance BETWEEN $1::int AND $1::int + 20',
      values: [90 + region],
    },
  ]),
  ...range(docs).flatMap((doc) => [
    { text: 'SELECT body, rank, at FROM docs WHERE slug = $1', values: [slugOf(doc)] },
    { text: 'SELECT body FROM docs WHERE slug = $1::varchar(5)', values: [slugOf(doc)] },
    { text: 'SELECT times FROM edits WHERE slug = $1', values: [slugOf(doc)] },
    { text: 'SELECT slug FROM docs WHERE rank = $1 ORDER BY slug', values: [`${doc}.0`] },
    { text: 'SELECT slug, times FROM docs LEFT JOIN edits USING (slug) WHERE slug = $1', values: [slugOf(doc)] },
    { text: 'SELECT id, account, data FROM tokens WHERE id = $1', values: [tokenOf(doc).toUpperCase()] },
    { text: `SELECT account FROM tokens WHERE id = '{${tokenOf(doc)}}'`, values: [] },
    { text: 'SELECT data FROM tokens WHERE id = $1::uuid', values: [tokenOf(doc).replaceAll('-', '')] },
  ]),
  ...range(days).flatMap((day) => [
    { text: 'SELECT sensor, value FROM measures WHERE day = $1 ORDER BY sensor', values: [dayOf(day)] },
    { text: 'SELECT count(*) AS n, sum(value) AS value FROM measures WHERE day >= $1::date', values: [dayOf(day)] },
    ...range(sensors, 1).map((sensor) => ({
      text: 'SELECT value FROM measures WHERE day = $1 AND sensor = $2',
      values: [dayOf(day), sensor],
    })),
  ]),
  ...range(sensors, 1).flatMap((sensor) => [
    { text: 'SELECT count(*) AS n, max(value) AS most FROM measures WHERE sensor = $1', values: [sensor] },
    { text: 'SELECT day, value FROM measures_1 WHERE sensor = $1 ORDER BY day', values: [sensor] },
    { text: 'SELECT day, value FROM ONLY measures_rest WHERE sensor = $1 ORDER BY day', values: [String(sensor)] },
  ]),
  { text: 'SELECT count(*) AS items FROM items', values: [] },
  { text: 'SELECT count(*) AS n, sum(value) AS value FROM measures', values: [] },
  { text: 'SELECT sum(times) AS edits FROM edits', values: [] },
  { text: 'SELECT max(at) AS at, min(rank) AS rank FROM docs WHERE at > $1', values: ['2026-01-01T00:00:00Z'] },
  { text: 'SELECT id FROM accounts UNION ALL SELECT account FROM items ORDER BY 1 LIMIT 20', values: [] },
  {
    text: 'SELECT id FROM accounts a WHERE NOT EXISTS (SELECT FROM items WHERE account = a.id) ORDER BY id',
    values: [],
  },
];

/** About what is written most. */
export const popularQuestions: readonly Question[] = questions.filter(
  ({ values: [first] }) => Number(first) <= popular,
);
