import { expect, test } from 'vitest';
import { ChangeCollector } from './change-collector.ts';
import type { Change } from './types.ts';

/** Messages as the server writes them. */
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 255]);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const zeros = (count: number): Buffer => Buffer.alloc(count);
const begin = (xid: number): Buffer => Buffer.concat([Buffer.from('B'), zeros(16), int32(xid)]);
const commit = Buffer.concat([
  Buffer.from('C'),
  zeros(8),
  int32(0),
  zeros(3),
  Buffer.from([7]),
  int32(0),
  int32(9),
  zeros(8),
]);
const relation = (oid: number, identity: string, ...columns: [name: string, key: boolean][]): Buffer =>
  Buffer.concat([
    Buffer.from('R'),
    int32(oid),
    text('public'),
    text('t'),
    Buffer.from(identity),
    int16(columns.length),
    ...columns.flatMap(([name, key]) => [Buffer.from([key ? 1 : 0]), text(name), int32(23), int32(0)]),
  ]);
const tuple = (...values: (string | null | undefined)[]): Buffer =>
  Buffer.concat([
    int16(values.length),
    ...values.map((value) => {
      if (value === null) return Buffer.from('n');
      if (value === undefined) return Buffer.from('u');
      return Buffer.concat([Buffer.from('t'), int32(Buffer.byteLength(value)), Buffer.from(value)]);
    }),
  ]);
const insert = (oid: number, ...values: (string | null | undefined)[]): Buffer =>
  Buffer.concat([Buffer.from('I'), int32(oid), Buffer.from('N'), tuple(...values)]);

function collected(near: number, keyColumns: Record<number, string[]>, keysPerTable = 3) {
  const changes: Change[] = [];
  const ends: bigint[] = [];
  const collector = new ChangeCollector(near, {
    keysPerTable,
    keyColumns: (oid) => keyColumns[oid],
    changed: (change) => changes.push({ ...change, tables: new Map(change.tables) }),
    committed: (endLsn) => ends.push(endLsn),
  });
  const take = (...messages: Buffer[]): void => messages.forEach((message) => collector.message(message, 0));
  return { changes, ends, take, collector };
}

test('transactions are told in full numbers, across the end of 32 bits', () => {
  const { changes, take } = collected(2 ** 32 - 2, { 1: ['id'] });
  const row = [relation(1, 'd', ['id', true]), insert(1, '1')];
  for (const xid of [2 ** 32 - 1, 3, 2 ** 32 - 3, 4]) take(begin(xid), ...row, commit);
  expect(changes.map(({ xid }) => xid)).toEqual([2 ** 32 - 1, 2 ** 32 + 3, 2 ** 32 - 3, 2 ** 32 + 4]);
});

test('of a transaction without end, only a few keys are held, and that it is large is told at once', () => {
  const { changes, ends, take, collector } = collected(100, { 1: ['id'], 2: ['id'] });
  take(begin(100), relation(1, 'd', ['id', true]), insert(1, '1'), insert(1, '1'), insert(1, '2'), insert(1, '3'));
  expect(changes).toEqual([]);
  take(insert(1, '4'));
  expect(changes).toEqual([{ xid: 100, tables: new Map([[1, 'all']]), truncated: [], ddl: false }]);
  for (let row = 5; row < 100_000; row++) take(insert(1, String(row)));
  expect(changes).toHaveLength(1);
  expect(collector.inTransaction).toBe(true);
  take(relation(2, 'd', ['id', true]), insert(2, '7'), commit);
  expect(changes[1]?.tables).toEqual(
    new Map<number, unknown>([
      [1, 'all'],
      [2, new Set(['7'])],
    ]),
  );
  expect(collector.inTransaction).toBe(false);
  expect(ends).toHaveLength(1);
  take(begin(101), insert(1, '5'), commit);
  expect(changes[2]).toEqual({ xid: 101, tables: new Map([[1, new Set(['5'])]]), truncated: [], ddl: false });
});

test('where rows cannot be told apart, it is all of them', () => {
  const { changes, take } = collected(100, { 2: ['id'] });
  take(begin(100), relation(1, 'f', ['id', true]), insert(1, '1'), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[1, 'all']]), ddl: false });
  take(begin(101), relation(2, 'd', ['id', true]), insert(2, undefined), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[2, 'all']]), ddl: false });
});

test('a key that is not what the catalog said is a change of definitions; all columns with a key among them is not', () => {
  const { changes, take } = collected(100, { 1: ['id'], 2: ['id'] });
  take(begin(100), relation(1, 'i', ['id', false], ['email', true]), insert(1, '1', 'a'), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[1, 'all']]), ddl: true });
  take(begin(101), relation(2, 'f', ['id', true], ['email', true]), insert(2, '1', 'a'), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[2, new Set(['1'])]]), ddl: false });
  take(begin(102), relation(2, 'f', ['id', true], ['email', true]), insert(2, '2', null), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[2, new Set(['2'])]]), ddl: false });
  take(begin(103), relation(2, 'f', ['id', true]), insert(2, '3'), commit);
  expect(changes.at(-1)).toMatchObject({ tables: new Map([[2, 'all']]), ddl: true });
});
