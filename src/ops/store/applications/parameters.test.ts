import { expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../../test/support/postgres.ts';
import { applicationReport, reportedStatement } from '../../../../test/support/reports.ts';
import { received, reportStore } from '../../../../test/support/report-store.ts';
import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import { limits } from './limits.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2026, 2, 1, 5);

/** A store, and reports of the application `shop` by the process and number given. */
async function opened(database: TestDatabase) {
  const store = await reportStore(database);
  const numbers = new Map<string, number>();
  return Object.assign(store, {
    tell(at: number, statements: ApplicationReport['statements'], change: Partial<ApplicationReport> = {}) {
      const { instance = 'one' } = change;
      const sequence = change.sequence ?? (numbers.get(instance) ?? 0) + 1;
      numbers.set(instance, sequence);
      const report = { samplesParameters: true, ...change, instance, sequence, statements };
      return store.write(received(applicationReport(report, new Date(at))));
    },
    known: (fingerprints = ['aa'], application?: string) =>
      store.history.parameterSamples({
        targetId: 1,
        fingerprints,
        ...(application === undefined ? {} : { application }),
      }),
  });
}

const statement = (value: string | null, fingerprint = 'aa', text = 'SELECT 1 FROM a WHERE b = $1') =>
  reportedStatement(fingerprint, [1], { text, parameters: [{ 1: value }] });

test('the values that were told last are known, of each application with the text that they belong to', async () => {
  await using database = await testDatabase();
  await using store = await opened(database);
  await store.tell(start, [statement('first')]);
  await store.tell(start + minute, [statement('second'), statement(null, 'bb')]);
  // Between times it only says that it was called.
  await store.tell(start + 2 * minute, [reportedStatement('aa', [1])]);
  const own = { fingerprint: 'aa', text: 'SELECT 1 FROM a WHERE b = $1', samples: [{ 1: 'second' }] };
  expect(await store.known()).toEqual([own]);
  expect(await store.known(['bb', 'cc'])).toMatchObject([{ samples: [{ 1: null }] }]);

  // What comes late is not what is usual now, and what comes twice is nothing new.
  await store.tell(start + 30_000, [statement('late')], { sequence: 9 });
  await store.tell(start + 3 * minute, [statement('again')], { sequence: 2 });
  expect(await store.known()).toEqual([own]);

  const other = 'SELECT 1 FROM a x WHERE x.b = $1';
  await store.tell(start + 4 * minute, [statement('third', 'aa', other)], { instance: 'two' });
  expect(await store.known()).toEqual([{ fingerprint: 'aa', text: other, samples: [{ 1: 'third' }] }]);
  await store.tell(start + 5 * minute, [statement('fourth')], { application: 'jobs' });
  expect((await store.known()).map(({ samples }) => samples)).toEqual([[{ 1: 'fourth' }], [{ 1: 'third' }]]);
  expect(await store.known(['aa'], 'shop')).toMatchObject([{ samples: [{ 1: 'third' }] }]);
  expect(await store.history.parameterSamples({ targetId: 2, fingerprints: ['aa'] })).toEqual([]);
});

test('what cannot be stored as it is is left out, and what is counted with others has no values', async () => {
  await using database = await testDatabase();
  await using store = await opened(database);
  const parameters = [{ 1: 'NUL \0', 2: 'half \ud800', 3: 'quotes " \\ \'' }, { 1: '\0' }];
  await store.tell(start, [reportedStatement('aa', [1], { parameters })]);
  expect(await store.known()).toMatchObject([{ samples: [{ 3: 'quotes " \\ \'' }] }]);

  await store.tell(start, [statement('x', '0')]);
  await store.client.query(
    `INSERT INTO pitcrew.application_statement (target_id, application_id, fingerprint, kind, text, first_seen, last_seen)
     SELECT 1, 1, 'f' || n, 'select', 'SELECT', now(), now() FROM generate_series(1, $1) n`,
    [limits.statements],
  );
  await store.tell(start + minute, [statement('beyond', 'bb')]);
  const { rows } = await store.client.query(
    `SELECT fingerprint, samples FROM pitcrew.application_parameters JOIN pitcrew.application_statement ON id = application_statement_id`,
  );
  expect(rows).toEqual([{ fingerprint: 'aa', samples: [{ 3: 'quotes " \\ \'' }] }]);
});

test('values go when they were not told again for a week', async () => {
  await using database = await testDatabase();
  await using store = await opened(database);
  await store.tell(start, [statement('old')]);
  await store.tell(start + hour, [statement('new', 'bb')]);
  const week = 7 * 24 * hour;
  await store.forgetParameters(start + week);
  expect(await store.known(['aa', 'bb'])).toHaveLength(2);
  await store.forgetParameters(start + week + minute);
  expect(await store.known(['aa', 'bb'])).toMatchObject([{ fingerprint: 'bb' }]);
});

test('values go when no process of the application keeps any', async () => {
  await using database = await testDatabase();
  await using store = await opened(database);
  await store.tell(start, [statement('old')], { instance: 'before' });
  await store.tell(start, [statement('theirs')], { application: 'jobs', instance: 'job' });
  // Some processes were started anew without, others are there still.
  await store.tell(start + 30 * minute, [], { instance: 'after', samplesParameters: false });
  await store.forgetParameters(start + 31 * minute);
  expect(await store.known()).toHaveLength(2);
  await store.tell(start + 90 * minute, [], { instance: 'after', samplesParameters: false });
  await store.forgetParameters(start + 91 * minute);
  // An application that is silent has changed nothing.
  expect(await store.known()).toMatchObject([{ samples: [{ 1: 'theirs' }] }]);
  expect(await store.known(['aa'], 'shop')).toEqual([]);
});

test('values go with their statement', async () => {
  await using database = await testDatabase();
  await using store = await opened(database);
  await store.tell(start, [statement('old')]);
  await store.forget(start + 3 * 365 * 24 * hour);
  const { rows } = await store.client.query('SELECT count(*)::int AS left FROM pitcrew.application_parameters');
  expect(rows).toEqual([{ left: 0 }]);
});
