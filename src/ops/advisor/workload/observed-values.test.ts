import { beforeAll, expect, test } from 'vitest';
import { watched } from '../../../../test/support/catalog.ts';
import { testDatabase, testedMajors } from '../../../../test/support/postgres.ts';
import { received, reportStore } from '../../../../test/support/report-store.ts';
import { applicationReport, reportedStatement } from '../../../../test/support/reports.ts';
import { describe, loadParser } from '../../../sql/index.ts';
import { withObservedValues, type Workload, workloadFromStatements, workloadFromTelemetry } from './index.ts';

beforeAll(loadParser);

type Values = Record<string, string | null>;

/** A statement as an application writes it, and what it calls it with. */
const called = (text: string, ...parameters: Values[]) => {
  const { fingerprint, normalized } = describe(text);
  return reportedStatement(fingerprint, [1], { text: normalized, parameters });
};

const workloadOf = (...texts: string[]): Workload => ({
  source: 'pg_stat_statements',
  coverage: 1,
  leftOut: [],
  statements: texts.map((text, at) => ({ id: String(at), text, samples: [], callsPerHour: 1, meanMs: 1 })),
});

test('values are put where they belong in the text of the server, or nowhere', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const now = new Date();
  const ordered = 'SELECT * FROM a WHERE b = $2 AND c = $1 LIMIT 7';
  const statements = [
    called(ordered, { 1: 'one', 2: null, 3: '7' }, { 1: 'two', 3: '8' }),
    called('SELECT * FROM a WHERE d IN ($1, $2, $3) AND e = $4', { 1: 'first', 4: 'last' }),
    called('SELECT * FROM a x WHERE x.f = $1', { 1: 'f' }),
    called('SELECT * FROM a WHERE g = $1', {}),
  ];
  await store.write(received(applicationReport({ statements }, now)));
  const jobs = [called(ordered, { 1: 'three', 2: 'b', 3: '9' })];
  await store.write(
    received(applicationReport({ application: 'jobs', statements: jobs }, new Date(now.getTime() - 1000))),
  );

  const samplesOf = async (text: string) =>
    (await withObservedValues(workloadOf(text), store.history, { targetId: 1 })).statements.map(
      ({ samples, samplesAreData }) => ({ samples, data: samplesAreData }),
    );
  // Of both applications in turn, by the server's own numbers.
  const inTurn = [
    [null, 'one', '7'],
    ['b', 'three', '9'],
    [undefined, 'two', '8'],
  ];
  expect(await samplesOf('select *\n from a where b = $1 and c = $2 limit $3 -- of the server')).toEqual([
    { samples: inTurn, data: true },
  ]);
  // Older servers keep lists as they are, and have another text for each length.
  expect(await samplesOf('SELECT * FROM a WHERE d IN ($2, $1) AND e = $3')).toEqual([
    { samples: [['first', 'first', 'last']], data: true },
  ]);
  expect(await samplesOf('SELECT * FROM a WHERE d IN ($1, lower($2)) AND e = $3')).toEqual([{ samples: [] }]);
  expect(await samplesOf('SELECT * FROM a WHERE d IN ($1 /*, ... */) AND e = $2')).toEqual([
    { samples: [['first', 'last']], data: true },
  ]);
  // The same statement, with other words.
  expect(await samplesOf('SELECT * FROM a WHERE f = $1')).toEqual([{ samples: [] }]);
  expect(await samplesOf('SELECT * FROM a WHERE g = $1')).toEqual([{ samples: [] }]);
  expect(await samplesOf('SELECT * FROM nothing WHERE g = $1')).toEqual([{ samples: [] }]);

  const range = { targetId: 1, from: new Date(now.getTime() - 3_600_000), to: new Date(now.getTime() + 1000) };
  const own = await workloadFromTelemetry(store.history, { ...range, application: 'shop' });
  expect(Object.fromEntries(own.statements.map(({ text, samples }) => [text, samples]))).toEqual({
    'SELECT * FROM a WHERE b = $2 AND c = $1 LIMIT $3': [
      ['one', null, '7'],
      ['two', undefined, '8'],
    ],
    // Numbered anew, since a server would ask what $2 is.
    'SELECT * FROM a WHERE d IN ($1 /*, ... */) AND e = $2': [['first', 'last']],
    'SELECT * FROM a x WHERE x.f = $1': [['f']],
    'SELECT * FROM a WHERE g = $1': [],
  });
});

test('values that come with a workload stay', async () => {
  await using database = await testDatabase();
  await using store = await reportStore(database);
  const text = 'SELECT * FROM a WHERE b = $1';
  await store.write(received(applicationReport({ statements: [called(text, { 1: 'told' })] })));
  const [statement] = workloadOf(text).statements;
  const given = { ...workloadOf(), statements: [{ ...statement, samples: [['given']] }] } as Workload;
  expect(await withObservedValues(given, store.history, { targetId: 1 })).toEqual(given);
});

test.each(testedMajors(18, 15))(
  'what PostgreSQL %i has counted is found with what it was called with',
  async (major) => {
    await using database = await testDatabase(major);
    await using kept = await testDatabase();
    await using store = await reportStore(kept);
    await database.query('CREATE EXTENSION pg_stat_statements');
    await database.query('CREATE TABLE orders (id int, kind text)');
    const text = "select * from orders\nwhere id in ($1, $2, $3) and kind = $4 and kind <> 'gift' limit 5";
    await database.query(text, [7, 8, 9, 'plain']);
    const told = called(text, { 1: '7', 4: 'plain', 5: 'gift', 6: '5' });
    await store.write(received(applicationReport({ statements: [told] })));
    await using target = await watched(database.url);
    const counted = await workloadFromStatements(target.connection, target.profile);
    const { statements } = await withObservedValues(counted, store.history, { targetId: 1 });
    expect(statements.find((each) => each.text.includes('from orders'))?.samples).toEqual([
      major >= 18 ? ['7', 'plain', 'gift', '5'] : ['7', '7', '7', 'plain', 'gift', '5'],
    ]);
  },
);
