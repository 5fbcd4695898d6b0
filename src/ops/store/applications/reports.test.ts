import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { testDatabase } from '../../../../test/support/postgres.ts';
import { applicationReport, reportedEndpoint, reportedStatement } from '../../../../test/support/reports.ts';
import { received, reportStore as bench } from '../../../../test/support/report-store.ts';
import { seededRandom, testStore } from '../../../../test/support/store.ts';
import { Partitions } from '../partitions.ts';
import { limits, otherFingerprint, otherName } from './limits.ts';
import { ApplicationNames } from './names.ts';
import type { ReceivedReport } from './types.ts';
import { writeReports } from './write-reports.ts';

const minute = 60_000;
const hour = 60 * minute;
const start = Date.UTC(2026, 2, 1, 5, 7, 30);

const whole = { targetId: 1, from: new Date(start - 24 * hour), to: new Date(start + 24 * hour) };

describe('exactness', () => {
  test.each([1, 2, 3])(
    'sums, histograms and callers are equal on every level, in whatever order reports come and how often (seed %i)',
    async (seed) => {
      await using database = await testDatabase();
      await using parts = await bench(database);
      const random = seededRandom(seed);
      const sent: ReceivedReport[] = [];
      const sum = { calls: 0, totalUs: 0, sites: 0 };
      const counts = new Map<number, number>();
      let now = start;
      const sequences = new Map<string, number>();
      for (let round = 0; round < 40; round++) {
        const chunk = Array.from({ length: 1 + random(5) }, () => {
          // Now and then one that was sent before comes again.
          const again = sent[random(sent.length + 1)];
          if (again && random(3) === 0) return again;
          const instance = `instance ${random(3)}`;
          const sequence = (sequences.get(instance) ?? 0) + 1;
          sequences.set(instance, sequence);
          const late = [0, 0, 5000, random(15 * minute)][random(4)] ?? 0;
          const durations = Array.from({ length: 1 + random(20) }, () => random(2 ** (1 + random(16))) / 16);
          const statement = reportedStatement('ab', durations);
          for (const [bucket, count] of statement.histogram) counts.set(bucket, (counts.get(bucket) ?? 0) + count);
          sum.calls += statement.calls;
          sum.totalUs += Math.round(statement.totalMs * 1000);
          sum.sites += statement.calls;
          const report = applicationReport({ instance, sequence, statements: [statement] }, new Date(now - late));
          const one = received(report, new Date(report.to), new Date(now));
          sent.push(one);
          return one;
        }).toSorted(() => random(3) - 1);
        await parts.write(...chunk);
        if (random(3) === 0) await parts.rollUp(now);
        now += random(4 * minute);
      }
      await parts.rollUp(now + 2 * hour);
      const latency = [...counts].toSorted(([a], [b]) => a - b);
      for (const table of ['raw', 'minute', 'quarter_hour', 'hour']) {
        const { rows } = await parts.client.query(
          `SELECT   fingerprint <> '' AS single, sum(calls) AS calls, sum(total_us) AS us
           FROM     pitcrew.application_${table}
           JOIN     pitcrew.application_statement ON application_statement.id = application_statement_id
           GROUP BY 1`,
        );
        // All together are kept as well.
        const { calls, totalUs: us } = sum;
        expect(
          rows.toSorted((a, b) => Number(a.single) - Number(b.single)),
          table,
        ).toEqual([
          { single: false, calls, us },
          { single: true, calls, us },
        ]);
      }
      for (const step of [10, 60, 900, 3600]) {
        const { points } = await parts.history.applicationSeries({ ...whole, step, fingerprint: 'ab' });
        const merged = new Map<number, number>();
        for (const point of points) for (const [b, n] of point.latency) merged.set(b, (merged.get(b) ?? 0) + n);
        expect([...merged].toSorted(([a], [b]) => a - b)).toEqual(latency);
        expect(points.reduce((calls, point) => calls + point.calls, 0)).toBe(sum.calls);
      }
      const figures = await parts.history.applicationFigures({ ...whole, fingerprints: ['ab', 'cd'] });
      expect([...figures.keys()]).toEqual(['ab']);
      expect(figures.get('ab')).toMatchObject({ calls: sum.calls, totalUs: sum.totalUs, latency });
      expect(await parts.history.applications(whole)).toMatchObject([{ name: 'shop', calls: sum.calls, latency }]);
      const callers = await parts.history.callers({ ...whole, fingerprint: 'ab' });
      expect(callers.map(({ kind, site, scope, calls }) => [kind, scope || site, calls])).toEqual(
        [
          ['scope', 'GET /orders', sum.sites],
          ['site', 'src/orders.ts:42', sum.sites],
        ].toSorted(),
      );
      const [current] = await parts.history.applicationsNow({ targetId: 1, now: new Date(now) });
      expect(current?.total).toMatchObject({ calls: sum.calls, totalUs: sum.totalUs, latency });
    },
  );

  test('two daemons that get the same reports count them once', async () => {
    await using database = await testDatabase();
    await using first = await bench(database);
    const client = new pg.Client(database.url);
    await client.connect();
    const [names, partitions] = [new ApplicationNames(), new Partitions()];
    const reports = Array.from({ length: 30 }, (_, index) =>
      received(
        applicationReport(
          { sequence: index + 1, statements: [reportedStatement('ab', [1, 2]), reportedStatement(`c${index}`, [3])] },
          new Date(start + index * 1000),
        ),
      ),
    );
    await Promise.all([
      (async () => {
        for (const report of reports) await first.write(report);
      })(),
      (async () => {
        for (const report of reports.toReversed()) await writeReports(client, names, partitions, [report]);
      })(),
    ]);
    await client.end();
    const { statements } = await first.history.applicationStatements({ ...whole, orderBy: 'calls', limit: 100 });
    expect(statements).toHaveLength(31);
    expect(statements.reduce((calls, each) => calls + each.calls, 0)).toBe(90);
  });
});

describe('limits', () => {
  test('what there is too much of is counted as other, and nothing is lost', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const now = Date.now();
    const today = { targetId: 1, from: new Date(now - hour), to: new Date(now + minute) };
    for (let index = 0; index < limits.applications + 10; index += 1) {
      await parts.write(
        received(
          applicationReport({ application: `pid ${index}`, statements: [reportedStatement('ab', [1])] }, new Date(now)),
        ),
      );
    }
    const applications = await parts.history.applications(today);
    expect(applications).toHaveLength(limits.applications + 1);
    expect(applications.find(({ name }) => name === otherName)?.calls).toBe(1);

    for (let index = 0; index * 1000 < limits.statements + 1000; index += 1) {
      const statements = Array.from({ length: 1000 }, (_, number) =>
        reportedStatement((index * 1000 + number + 16 ** 4).toString(16), [1], { callSites: [], scopes: [] }),
      );
      await parts.write(
        received(applicationReport({ application: 'pid 0', sequence: index + 2, statements }, new Date(now))),
      );
    }
    const other = await parts.history.applicationFigures({ ...today, fingerprints: [otherFingerprint] });
    // Each of the applications above has one, and all of its own together.
    const made = limits.statements - 2 * (limits.applications + 1);
    expect(other.get(otherFingerprint)?.calls).toBe(6000 - made);
    const { count } = await parts.history.applicationStatements({ ...today, orderBy: 'calls', limit: 10 });
    expect(count).toBe(made + 2);
  });

  test('scopes made from ids do not fill the store', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const now = new Date();
    for (let index = 0; index < 10; index += 1) {
      const scopes = Array.from({ length: 20 }, (_, number) => ({
        name: `GET /orders/${index * 20 + number}`,
        calls: 1,
        requests: 1,
        most: 1,
      }));
      const statement = reportedStatement(
        'ab',
        Array.from({ length: 20 }, () => 1),
        { scopes },
      );
      await parts.write(received(applicationReport({ sequence: index + 1, statements: [statement] }, now)));
    }
    const callers = await parts.history.callers({
      targetId: 1,
      from: new Date(now.getTime() - hour),
      to: new Date(now.getTime() + minute),
      fingerprint: 'ab',
    });
    const scopes = callers.filter(({ kind }) => kind === 'scope');
    expect(scopes).toHaveLength(limits.callers + 1);
    expect(scopes.find(({ scope }) => scope === otherName)?.calls).toBe(200 - limits.callers);
  });

  test('instances seen longest ago are forgotten', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const many = Array.from({ length: limits.instances + 5 }, (_, index) =>
      received(applicationReport({ instance: `n${index}` }, new Date(start + index))),
    );
    await parts.write(...many);
    await parts.write(received(applicationReport({ instance: 'last' }, new Date(start + hour))));
    const { rows } = await parts.client.query(
      'SELECT count(*)::integer AS n, min(seen_at) AS first FROM pitcrew.application_instance',
    );
    expect(rows).toEqual([{ n: limits.instances, first: new Date(start + 6) }]);
  });
});

describe('pools', () => {
  test('are added up over the processes that live, and become history', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const report = (instance: string, sequence: number, at: number, open: number) =>
      received(applicationReport({ instance, sequence, pool: [reportedEndpoint({ open })] }, new Date(at)));
    await parts.write(report('a', 1, start, 8), report('b', 1, start + 1000, 4));
    await parts.write(report('a', 2, start + 10_000, 6));
    const now = (at: number) => parts.history.applicationsNow({ targetId: 1, now: new Date(at) });
    expect(await now(start + 11_000)).toMatchObject([
      {
        name: 'shop',
        instances: 2,
        pools: [{ endpoint: '10.0.0.1:5432', role: 'primary', instances: 2, open: 10, max: 40 }],
      },
    ]);
    // One of them ended.
    await parts.write(report('a', 3, start + 50_000, 7));
    expect(await now(start + 51_000)).toMatchObject([{ instances: 1, pools: [{ open: 7, max: 20 }] }]);
    const { series } = await parts.history.series({
      targetId: 1,
      from: new Date(start),
      to: new Date(start + minute),
      names: ['application.pool_open'],
      step: 10,
    });
    expect(series).toMatchObject([
      { kind: 'gauge', labels: { application: 'shop', endpoint: '10.0.0.1:5432', role: 'primary' } },
    ]);
    expect(series[0]?.points.map(({ value }) => value)).toEqual([8, 10, null, null, null, 7]);
    expect(await now(start + 3 * hour)).toMatchObject([{ instances: 0, pools: [] }]);
  });
});

describe('statements', () => {
  test('repeated calls, with the worst first', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const found = { scope: 'GET /orders', fingerprint: 'ab', site: 'src/orders.ts:42', requests: 2, most: 51 };
    const statements = [reportedStatement('ab', [1])];
    await parts.write(
      received(
        applicationReport(
          { statements, repeated: [found, { ...found, fingerprint: 'cd', most: 80 }] },
          new Date(start),
        ),
      ),
      received(
        applicationReport({ sequence: 2, statements, repeated: [{ ...found, most: 40 }] }, new Date(start + 1000)),
      ),
    );
    const list = await parts.history.repeatedCalls({ ...whole, limit: 10 });
    expect(list).toEqual([
      { application: 'shop', ...found, fingerprint: 'cd', requests: 2, most: 80, text: null, statements: [] },
      { application: 'shop', ...found, requests: 4, most: 51, text: 'SELECT ab', statements: [] },
    ]);
  });

  test('old history goes, and what it was of stays countable', async () => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    await parts.write(
      received(applicationReport({ statements: [reportedStatement('ab', [1, 2, 3])] }, new Date(start))),
    );
    await parts.rollUp(start + 30 * hour);
    expect(await parts.drop(start + 30 * hour)).toBeGreaterThan(0);
    const figures = await parts.history.applicationFigures({ ...whole, fingerprints: ['ab'] });
    expect(figures.get('ab')).toMatchObject({ calls: 3, latency: expect.arrayContaining([[expect.any(Number), 1]]) });
  });

  test('texts of the server get their fingerprint, and are found with what applications tell', async () => {
    await using database = await testDatabase();
    await using store = await testStore(database.url);
    const targetId = await store.target('main');
    await store.claim(targetId);
    const key = { database: 'shop', user: 'app', queryId: '1', toplevel: true };
    store.append({
      targetId,
      collector: 'statements',
      at: new Date(),
      seconds: 10,
      texts: [
        { key, text: 'SELECT * FROM orders WHERE id = $1', own: false },
        { key: { ...key, queryId: '2' }, text: '/* pitcrew */ SELECT 1', own: true },
      ],
    });
    await store.flush();
    const fingerprint = await vi.waitFor(
      async () => {
        const statement = await store.history.statement(targetId, 1);
        expect(statement?.fingerprint).toMatch(/^[0-9a-f]{16}$/);
        return statement?.fingerprint ?? '';
      },
      { timeout: 20_000 },
    );
    const report = applicationReport({
      statements: [reportedStatement(fingerprint, [1]), reportedStatement('ff', [1])],
    });
    const now = new Date();
    expect(await store.report({ targetId, report, at: now, arrivedAt: now })).toBe(true);
    const range = { targetId, from: new Date(now.getTime() - hour), to: new Date() };
    const question = { ...range, orderBy: 'calls', limit: 10 } as const;
    const { statements } = await store.history.applicationStatements(question);
    expect(statements.map((each) => [each.fingerprint, each.statements]).toSorted()).toEqual(
      [
        [fingerprint, [1]],
        ['ff', []],
      ].toSorted(),
    );
    const unmatched = await store.history.applicationStatements({ ...question, unmatched: true });
    expect(unmatched).toMatchObject({ count: 1, statements: [{ fingerprint: 'ff' }] });
    expect(await store.history.applicationStatement({ targetId, fingerprint })).toMatchObject({ statements: [1] });
    expect(await store.history.applicationStatement({ targetId, fingerprint: 'ee' })).toBe(undefined);
  });
});
