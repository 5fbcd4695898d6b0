import { describe, expect, test } from 'vitest';
import { testDatabase, testedMajors } from '../../../test/support/postgres.ts';
import { statementBatch, statementDelta, tableBatch, testStore } from '../../../test/support/store.ts';
import { isOwnStatement } from '../../engine/postgres/index.ts';
import { statementKeyText } from './index.ts';

const second = 1000;
const minute = 60 * second;
/** The start of a whole hour not long ago, so that no partition of it is due to be dropped. */
const start = Math.floor((Date.now() - 3 * 60 * minute) / (60 * minute)) * 60 * minute;
const range = { from: new Date(start), to: new Date(start + 10 * minute) };
const byTime = { ...range, orderBy: 'totalExecUs', limit: 50 } as const;

describe.each(testedMajors(18, 15))('a store on PostgreSQL %i', (major) => {
  test('is known by its statements where its server is watched', async () => {
    await using database = await testDatabase(major);
    await database.query('CREATE EXTENSION pg_stat_statements');
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    await store.claim(targetId);
    store.append(statementBatch(targetId, start + 10 * second, [statementDelta('1', { calls: 3 })]));
    await store.flush();
    await store.history.statements({ targetId, ...byTime });
    const texts = await database.query<{ query: string }>(`
      SELECT query
        FROM pg_stat_statements s
        JOIN pg_database d ON d.oid = s.dbid AND d.datname = current_database()
       WHERE query LIKE '%pitcrew.%'`);
    expect(texts.length).toBeGreaterThan(5);
    const unmarked = texts.map(({ query }) => query).filter((query) => !isOwnStatement(query));
    // Of the migration, which is one text, only the first statement is marked; it runs once.
    const later = /^(SELECT|WITH|INSERT INTO(?! pitcrew.progress)|UPDATE|DELETE|ALTER|DROP)/;
    expect(unmarked.filter((query) => later.test(query))).toEqual([]);
  });

  test('gives back what statements did', async () => {
    await using database = await testDatabase(major);
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    expect(await store.target('main')).toBe(targetId);
    expect(await store.claim(targetId)).toBe(true);
    store.append({
      ...statementBatch(targetId, start + 10 * second, [
        statementDelta('1', { calls: 3, totalExecUs: 900, rows: 3 }),
        statementDelta('-2', { calls: 1, totalExecUs: 2 ** 52 }),
      ]),
      texts: [
        { ...statementDelta('1', {}), text: 'SELECT 100 % x_y FROM Orders', own: false },
        { ...statementDelta('9', {}), text: 'SELECT 9', own: true },
      ],
    });
    store.append(
      statementBatch(targetId, start + 20 * second, [
        statementDelta('1', { calls: 2, totalExecUs: 100 }),
        statementDelta('9', { calls: 7, totalExecUs: 70 }),
      ]),
    );
    await store.flush();

    const answer = await store.history.statements({ targetId, ...byTime });
    expect(
      answer.statements.map(({ key, text, counters }) => [key.queryId, text, counters.calls, counters.totalExecUs]),
    ).toEqual([
      ['-2', null, 1, 2 ** 52],
      ['1', 'SELECT 100 % x_y FROM Orders', 5, 1000],
    ]);
    expect(answer).toMatchObject({
      count: 2,
      coveredSeconds: 20,
      totals: { calls: 6, totalExecUs: 2 ** 52 + 1000, rows: 3 },
    });

    const only = async (filter: object): Promise<string[]> =>
      (await store.history.statements({ targetId, ...byTime, ...filter })).statements.map(({ key }) => key.queryId);
    expect(await only({ search: 'x_Y from orders' })).toEqual(['1']);
    expect(await only({ search: '%' })).toEqual(['1']);
    expect(await only({ search: 'x%y' })).toEqual([]);
    expect(await only({ search: 'x_y\0', database: 'shop\0' })).toEqual(['1']);
    expect(await only({ search: "'; DROP SCHEMA pitcrew; --" })).toEqual([]);
    expect(await only({ own: 'only' })).toEqual(['9']);
    expect(await only({ own: 'include', orderBy: 'calls' })).toEqual(['9', '1', '-2']);
    expect(await only({ orderBy: 'calls', descending: false })).toEqual(['-2', '1']);
    expect(await only({ minMeanUs: 201 })).toEqual(['-2']);
    expect(await only({ minMeanUs: 200, orderBy: 'meanUs' })).toEqual(['-2', '1']);
    expect(await only({ database: 'other' })).toEqual([]);
    expect(await only({ user: 'app', limit: 1, offset: 1 })).toEqual(['1']);
    const beyond = await store.history.statements({ targetId, ...byTime, offset: 10 });
    expect(beyond).toMatchObject({ statements: [], count: 2, totals: { calls: 6 } });

    const id = answer.statements[1]?.id ?? 0;
    expect(await store.history.statement(targetId, id)).toMatchObject({
      key: { queryId: '1' },
      firstSeen: new Date(start + 10 * second),
    });
    expect(await store.history.statement(targetId, 2 ** 40)).toBeUndefined();
    expect(await store.history.statement(targetId + 1, id)).toBeUndefined();
    const series = (await store.history.statementSeries({ targetId, ...range, ids: [id, 2 ** 40], step: 10 })).get(id);
    expect(series?.step).toBe(10);
    expect(series?.points.slice(0, 4).map(({ coveredSeconds, counters }) => [coveredSeconds, counters.calls])).toEqual([
      [0, 0],
      [10, 3],
      [10, 2],
      [0, 0],
    ]);
    await expect.poll(() => store.status().bytes).toBeGreaterThan(100_000);
    expect(await store.knownStatements(targetId)).toEqual(
      new Set(['1', '9'].map((queryId) => statementKeyText(statementDelta(queryId, {}).key))),
    );
  });

  test('gives back series with odd labels, rates over the time covered, and nothing where nothing is known', async () => {
    await using database = await testDatabase(major);
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    await store.claim(targetId);
    const labels = { 'ключ"\\': 'a\'b\n{},NULL "x" \u0000\ud800 %_', empty: '' };
    const sample = (at: number, seconds: number, value: number): void =>
      store.append({
        targetId,
        collector: 'instance',
        at: new Date(at),
        seconds,
        metrics: [
          { name: 'database.commits', kind: 'counter', value },
          { name: 'sessions.total', labels, kind: 'gauge', value },
          { name: 'sessions.broken', kind: 'gauge', value: NaN },
        ],
      });
    sample(start, 10, 100);
    sample(start + 10 * second, 10, 0);
    // Away for five minutes.
    sample(start + 5 * minute + 10 * second, 300, 600);
    await store.flush();

    const answer = await store.history.series({
      targetId,
      ...range,
      names: ['database.*', 'sessions.total'],
      step: 10,
    });
    expect(answer.series.map(({ name, kind }) => [name, kind])).toEqual([
      ['database.commits', 'counter'],
      ['sessions.total', 'gauge'],
    ]);
    const [commits, sessions] = answer.series;
    expect(commits?.points.slice(0, 3).map(({ value, sum }) => [value, sum])).toEqual([
      [10, 100],
      [0, 0],
      [null, null],
    ]);
    expect(commits?.points[31]).toMatchObject({ at: start + 310 * second, value: 2, sum: 600 });
    expect(commits?.points).toHaveLength(60);
    expect(sessions?.labels).toEqual({ 'ключ"\\': 'a\'b\n{},NULL "x" \ufffd %_', empty: '' });

    const wide = await store.history.series({
      targetId,
      ...range,
      names: ['sessions.*'],
      labels: { empty: '' },
      step: 600,
    });
    expect(wide.series).toHaveLength(1);
    expect(wide.series[0]?.points).toEqual([{ at: start, value: 700 / 3, min: 0, max: 600, sum: null }]);
    const covered = await store.history.series({ targetId, ...range, names: ['pitcrew.covered_seconds'], step: 600 });
    expect(covered.series[0]).toMatchObject({ labels: { collector: 'instance' }, points: [{ sum: 320, value: 1 }] });
  });

  test('gives back tables and indexes with their latest gauges', async () => {
    await using database = await testDatabase(major);
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    await store.claim(targetId);
    store.append(tableBatch(targetId, start - 30 * minute, 'quiet', 1, 10));
    store.append(tableBatch(targetId, start - 30 * minute, 'gone', 1, 10));
    store.append(tableBatch(targetId, start + minute, 'busy', 5, 100));
    store.append(tableBatch(targetId, start + 3 * minute, 'busy', 7, 107));
    const dropped = [{ family: 'table', schema: 'public', name: 'gone' }] as const;
    store.append({ targetId, collector: 'tables', at: new Date(start - minute), seconds: 60, dropped: [...dropped] });
    store.append({ targetId, collector: 'tables', at: new Date(start + 2 * minute), seconds: 60 });
    await store.flush();

    const tables = await store.history.tables({ targetId, ...range });
    expect(tables.relations.map(({ key, counters, gauges }) => [key.name, counters.inserts, gauges.liveRows])).toEqual([
      ['busy', 12, 107],
      ['quiet', 0, 10],
    ]);
    expect(tables.coveredSeconds).toBe(180);
    const ids = tables.relations.map(({ id }) => id);
    const before = await store.history.tableGauges({ targetId, ids, at: new Date(start + 2 * minute) });
    expect(ids.map((id) => before.get(id)?.liveRows)).toEqual([100, 10]);
    expect(await store.history.tableGauges({ targetId, ids, at: new Date(start - 60 * minute) })).toEqual(new Map());
    const indexes = await store.history.indexes({ targetId, ...range, schema: 'public', table: 'busy' });
    expect(indexes.relations).toMatchObject([
      {
        key: { schema: 'public', name: 'busy_pkey', parent: 'busy' },
        counters: { scans: 12 },
        gauges: { bytes: 16_384 },
      },
    ]);
    expect((await store.history.tableSeries({ targetId, ...range, id: 2 ** 40, step: 60 })).points).toHaveLength(10);
    const course = async (index: number): Promise<unknown[]> => {
      const id = tables.relations[index]?.id ?? 0;
      const { points } = await store.history.tableSeries({ targetId, ...range, id, step: 60 });
      return points
        .slice(0, 5)
        .map(({ counters, gauges, coveredSeconds }) => [coveredSeconds, counters.inserts, gauges?.liveRows]);
    };
    expect(await course(0)).toEqual([
      [0, 0, undefined],
      [60, 5, 100],
      [60, 0, 100],
      [60, 7, 107],
      [0, 0, undefined],
    ]);
    expect(await course(1)).toEqual([
      [0, 0, undefined],
      [60, 0, 10],
      [60, 0, 10],
      [60, 0, 10],
      [0, 0, undefined],
    ]);
  });

  test('keeps baselines with the samples that lead to them', async () => {
    await using database = await testDatabase(major);
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    await store.claim(targetId);
    const change = (upserts: Record<string, number[]>, deletes: string[] = [], replaceAll = false): void =>
      store.append({
        targetId,
        collector: 'statements',
        at: new Date(start),
        seconds: 10,
        baseline: {
          replaceAll,
          deletes,
          upserts: Object.entries(upserts).map(([key, values]) => ({ key, values, stamp: 's' })),
        },
      });
    change({ a: [1, 2 ** 53], b: [2], c: [] });
    change({ a: [3, 4] }, ['b', 'never there']);
    // Reading waits for what is not written yet.
    expect(await store.baseline(targetId, 'statements')).toEqual(
      new Map([
        ['a', { values: [3, 4], stamp: 's' }],
        ['c', { values: [], stamp: 's' }],
      ]),
    );
    change({ 'd"{,': [0.5] }, [], true);
    expect([...(await store.baseline(targetId, 'statements')).keys()]).toEqual(['d"{,']);
    expect(await store.baseline(targetId, 'tables')).toEqual(new Map());
  });
});
