import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, test } from 'vitest';
import { endStatement, statement } from '../../../test/support/outcomes.ts';
import { RequestScope, runInScope } from '../scope.ts';
import { createTelemetry, type RepeatedStatement, type Telemetry, type TelemetryOptions } from './index.ts';

/** What tells of statements here is no line of the application. */
const ignoreCallers = ['test/support/'];

function watched(options: TelemetryOptions = {}): { telemetry: Telemetry; found: RepeatedStatement[] } {
  const found: RepeatedStatement[] = [];
  return {
    telemetry: createTelemetry({ ...options, ignoreCallers, onRepeated: (finding) => found.push(finding) }),
    found,
  };
}

const one = statement(1);

test('ten calls from one line in one scope are told of once, nine are not', () => {
  const { telemetry, found } = watched();
  const load = (times: number): void => {
    for (let call = 0; call < times; call++) endStatement(telemetry, one);
  };
  for (let request = 0; request < 20; request++) runInScope('GET /few', () => load(9));
  expect(found).toEqual([]);
  for (let request = 0; request < 100; request++) runInScope('GET /many', () => load(10 + (request % 3)));
  expect(found).toMatchObject([{ scope: 'GET /many', calls: 10, fingerprint: one.fingerprint, text: one.normalized }]);
  expect(found[0]?.callSite).toMatch(/^src\/client\/telemetry\/scope-calls\.test\.ts:\d+$/);
  expect(telemetry.snapshot().repeated).toMatchObject([{ scopes: 100, most: 12 }]);
});

test('where no line is in the stack, as with queries that are merely awaited, a repetition is told of all the same', () => {
  const found: RepeatedStatement[] = [];
  const telemetry = createTelemetry({
    ignoreCallers: [...ignoreCallers, 'src/client/telemetry/'],
    onRepeated: (finding) => found.push(finding),
  });
  const load = (): void => {
    for (let call = 0; call < 12; call++) endStatement(telemetry, one);
  };
  for (let request = 0; request < 5; request++) runInScope('GET /orders', load);
  expect(found).toMatchObject([{ scope: 'GET /orders', callSite: 'an unknown line', calls: 12 }]);
  expect(telemetry.snapshot().repeated).toMatchObject([{ scopes: 5, most: 12 }]);
});

test('lines that take turns are told apart', () => {
  const { telemetry, found } = watched();
  const sites = (): string[] => found.map(({ callSite }) => callSite);
  // Each line calls it six times: no line ten times.
  for (let request = 0; request < 10; request++) {
    runInScope('GET /mixed', () => {
      for (let call = 0; call < 6; call++) {
        endStatement(telemetry, one);
        endStatement(telemetry, one);
      }
    });
  }
  expect(found).toEqual([]);
  runInScope('GET /both', () => {
    for (let call = 0; call < 30; call++) {
      endStatement(telemetry, one);
      endStatement(telemetry, one);
    }
  });
  expect(new Set(sites()).size).toBe(2);
  expect(found.every(({ calls }) => calls >= 10 && calls <= 30)).toBe(true);
});

test('a second line is found later, though the first is known', () => {
  const { telemetry, found } = watched();
  const first = (): void => {
    for (let call = 0; call < 10; call++) endStatement(telemetry, one);
  };
  const second = (): void => {
    for (let call = 0; call < 10; call++) endStatement(telemetry, one);
  };
  runInScope('job', first);
  for (let request = 0; request < 200; request++) runInScope('job', second);
  expect(new Set(found.map(({ callSite }) => callSite)).size).toBe(2);
});

test('scopes count their statements, and are counted by name', async () => {
  const { telemetry } = watched({ memory: true });
  for (let request = 1; request <= 3; request++) {
    await runInScope('GET /orders', async () => {
      for (let call = 0; call < request; call++) endStatement(telemetry, statement(call), { durationMs: 5 });
      await new Promise((resolve) => setImmediate(resolve));
    });
  }
  runInScope('without', () => undefined);
  const { scopes } = telemetry.snapshot();
  expect(scopes).toMatchObject([{ name: 'GET /orders', scopes: 3, statements: 6, mostStatements: 3, statementMs: 30 }]);
  expect(scopes[0]?.p50Ms).toBeGreaterThan(0);
  expect(telemetry.take().statements.map(({ scopes: uses }) => uses)).toEqual([
    [{ name: 'GET /orders', calls: 3, scopes: 3, most: 1 }],
    [{ name: 'GET /orders', calls: 2, scopes: 2, most: 1 }],
    [{ name: 'GET /orders', calls: 1, scopes: 1, most: 1 }],
  ]);
  expect(telemetry.take().statements).toEqual([]);
});

test('memory is measured where it is asked for', () => {
  const { telemetry } = watched({ memory: true });
  const kept: unknown[] = [];
  runInScope('large', () => {
    endStatement(telemetry, one);
    for (let i = 0; i < 100_000; i++) kept.push({ i });
  });
  const [large] = telemetry.snapshot().scopes;
  expect(kept).toHaveLength(100_000);
  expect(large?.mostHeapGrowth ?? 1e6).toBeGreaterThan(100_000);
});

test('names and statements without end take no memory without end', () => {
  const { telemetry } = watched();
  for (let at = 0; at < 3000; at++) runInScope(`GET /${at}`, () => endStatement(telemetry, statement(at)));
  const { scopes, statements } = telemetry.snapshot();
  expect(scopes).toHaveLength(501);
  expect(scopes.find(({ name }) => name === 'other scopes')?.scopes).toBe(2500);
  expect(statements.length).toBeLessThanOrEqual(1001);
});

test('a name that comes late, or not at all, does no harm', () => {
  const { telemetry } = watched();
  let route: string | undefined;
  const scope = new RequestScope(() => {
    if (route === undefined) throw new Error('no route yet');
    return route;
  });
  scope.run(() => endStatement(telemetry, one));
  expect(scope.name).toBe('unnamed');
  route = 'GET /orders/:id';
  scope.end();
  expect(telemetry.snapshot().scopes).toMatchObject([{ name: 'GET /orders/:id', scopes: 1 }]);
});

test('repetitions are told on the channel of warnings, and a logger that throws disturbs nobody', () => {
  const heard: unknown[] = [];
  const listener = (message: unknown): void => void heard.push(message);
  subscribe('pitcrew:warning', listener);
  try {
    const telemetry = createTelemetry({
      logger: {
        warn: () => {
          throw new Error('disk full');
        },
      },
      slow: 0,
      ignoreCallers,
    });
    runInScope('GET /orders', () => {
      for (let call = 0; call < 10; call++) endStatement(telemetry, one);
    });
  } finally {
    unsubscribe('pitcrew:warning', listener);
  }
  expect(heard).toMatchObject([
    { code: 'repeated', scope: 'GET /orders', calls: 10, message: expect.stringContaining('scope-calls.test.ts:') },
  ]);
});
