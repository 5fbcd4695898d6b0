import { expect, test } from 'vitest';
import { endStatement, outcomeOf, statement } from '../../../test/support/outcomes.ts';
import { PitcrewError } from '../../errors.ts';
import { createTelemetry, type SlowStatement, type TelemetryOptions } from './index.ts';

/** What the slow log says of statements, given the options. */
function logged(options: TelemetryOptions, ...outcomes: Parameters<typeof endStatement>[2][]): SlowStatement[] {
  const slow: SlowStatement[] = [];
  const telemetry = createTelemetry({ ...options, onSlow: (entry) => slow.push(entry) });
  for (const outcome of outcomes) endStatement(telemetry, outcome?.description ?? statement(1), outcome);
  return slow;
}

test('thresholds differ by kind', () => {
  const ofKind = (kind: 'select' | 'insert' | 'update' | 'delete' | 'merge', durationMs: number) => ({
    description: { ...statement(1), kind, fingerprint: `${kind.length}${kind.charCodeAt(0)}` },
    durationMs,
  });
  const outcomes = [
    ofKind('select', 999),
    ofKind('select', 1000),
    ofKind('insert', 500),
    ofKind('update', 499),
    ofKind('delete', 600),
    ofKind('merge', 600),
  ];
  expect(logged({}, ...outcomes).map(({ kind }) => kind)).toEqual(['select', 'insert', 'delete']);
  expect(logged({ slow: 50 }, ...outcomes)).toHaveLength(6);
  expect(logged({ slow: { update: 400 } }, ...outcomes).map(({ kind }) => kind)).toContain('update');
});

test('an entry says what one needs, and no message of an error, which may quote values', () => {
  const refused = Object.assign(new Error('invalid input syntax for type integer: "hunter2"'), { code: '22P02' });
  const [entry] = logged({}, { durationMs: 1200.12345, queuedMs: 1000, values: ['hunter2'], error: refused });
  expect(entry).toMatchObject({
    kind: 'select',
    text: statement(1).normalized,
    durationMs: 1200.123,
    queuedMs: 1000,
    endpoint: 'localhost:5432',
    error: '22P02',
    bindings: undefined,
  });
  expect(JSON.stringify(entry)).not.toContain('hunter2');
  const timeout = new PitcrewError('E_POOL_TIMEOUT', 'no connection');
  expect(logged({}, { durationMs: 5000, error: timeout })[0]?.error).toBe('E_POOL_TIMEOUT');
});

test('values of all sorts can be shown, cut where they are long', () => {
  const odd: unknown[] = [
    1n,
    Object.create(null),
    Buffer.from('abc'),
    new Date(0),
    'x'.repeat(1000),
    undefined,
    Symbol('s'),
  ];
  const circular: { self?: unknown } = {};
  circular.self = circular;
  odd.push(circular);
  const outcome = { durationMs: 2000, values: odd };
  expect(logged({ bindings: 'types' }, outcome)[0]?.bindings).toEqual([
    'bigint',
    'Object',
    'Buffer',
    'Date',
    'string',
    'null',
    'symbol',
    'Object',
  ]);
  const shown = logged({ bindings: 'values' }, outcome)[0]?.bindings ?? [];
  expect(shown[0]).toBe('1');
  expect(shown[2]).toBe('Buffer of 3 bytes');
  expect(shown[4]).toHaveLength(200);
  expect(shown).toHaveLength(8);
});

test('what is not logged is counted', () => {
  const entries: object[] = [];
  const telemetry = createTelemetry({ slow: 0, logger: { warn: (fields) => void entries.push(fields) } });
  for (let i = 0; i < 500; i++) telemetry.statementEnded(undefined, outcomeOf(statement(1)));
  expect(entries.length).toBeLessThan(500);
  expect(telemetry.snapshot().statements[0]?.slow).toBe(500);
});

test('a callback that throws disturbs nobody', () => {
  const telemetry = createTelemetry({
    slow: 0,
    onSlow: () => {
      throw new Error('no');
    },
  });
  endStatement(telemetry, statement(1));
  const hostile = {
    toJSON: (): never => {
      throw new Error('no');
    },
    toString: (): never => {
      throw new Error('no');
    },
  };
  const shown = createTelemetry({ slow: 0, bindings: 'values', onSlow: () => undefined });
  endStatement(shown, statement(1), { values: [hostile] });
  for (const each of [telemetry, shown]) expect(each.snapshot().statements).toMatchObject([{ calls: 1, slow: 1 }]);
});

test('options that make no sense are refused', () => {
  for (const options of [{ slow: -1 }, { repeatedCalls: 1 }, { maxStatements: 0 }, { maxStatements: 5000 }]) {
    expect(() => createTelemetry(options)).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
  }
});
