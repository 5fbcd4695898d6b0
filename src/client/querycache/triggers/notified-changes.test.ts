import { expect, test } from 'vitest';
import { keyOf } from '../fence/index.ts';
import { type Member, NotifiedChanges } from './notified-changes.ts';
import { signature } from './trigger-function.ts';

const ids = signature(['id']);
const pairs = signature(['b', 'a']);
const plain: Member = { oid: 1, keyColumns: ['id'], complete: true };
const paired: Member = { oid: 2, keyColumns: ['b', 'a'], complete: true };
const keyless: Member = { oid: 3, keyColumns: undefined, complete: true };
const unfinished: Member = { oid: 4, keyColumns: ['id'], complete: false };
const root: Member = { oid: 5, keyColumns: ['id'], complete: true };

function changes(keysPerTable = 3): NotifiedChanges {
  const made = new NotifiedChanges(keysPerTable);
  made.families = new Map([
    [1, [plain]],
    [2, [paired]],
    [3, [keyless]],
    [4, [unfinished]],
    [5, [root, plain, paired, keyless]],
  ]);
  return made;
}

test('keys are told as the stream tells them', () => {
  const it = changes();
  expect(it.read(`[7,1,["4","5"],"${ids}"]`)).toEqual({
    xid: 7,
    tables: new Map([[1, new Set(['4', '5'])]]),
    truncated: [],
    ddl: false,
  });
  const two = JSON.stringify([8, 2, ['["x, \\"y\\"", "1"]'], pairs]);
  expect(it.read(two)?.tables).toEqual(new Map([[2, new Set([keyOf(['x, "y"', '1'])])]]));
});

test('all rows, where keys are not told or cannot be read', () => {
  const it = changes();
  for (const payload of ['[7,1,"all"]', `[7,1,[1],"${ids}"]`, `[7,1,[null],"${ids}"]`]) {
    expect(it.read(payload)).toMatchObject({ tables: new Map([[1, 'all']]), ddl: false });
  }
  for (const key of ['x', '["x"]', '["x",1]', '{}']) {
    expect(it.read(JSON.stringify([7, 2, [key], pairs]))?.tables).toEqual(new Map([[2, 'all']]));
  }
  expect(it.read('[7,99,["1"],"of another table"]')).toMatchObject({ tables: new Map([[99, 'all']]), ddl: false });
  expect(it.read('[7,3,"truncated"]')).toMatchObject({ tables: new Map([[3, 'all']]), truncated: [3] });
});

test('more keys of one table and transaction than wanted are all rows', () => {
  const it = changes();
  expect(it.read(`[7,1,["1","2"],"${ids}"]`)?.tables.get(1)).toEqual(new Set(['1', '2']));
  expect(it.read(`[7,1,["3","4"],"${ids}"]`)?.tables.get(1)).toBe('all');
  expect(it.read(`[8,1,["3","4"],"${ids}"]`)?.tables.get(1)).toEqual(new Set(['3', '4']));
});

test('what names a table may concern its partitions and heirs: those with the same key by key', () => {
  const told = changes().read(`[7,5,["1"],"${ids}"]`);
  expect(told?.tables).toEqual(
    new Map<number, unknown>([
      [5, new Set(['1'])],
      [1, new Set(['1'])],
      [2, 'all'],
      [3, 'all'],
    ]),
  );
});

test('keys of other columns than are known tell of a new definition', () => {
  const it = changes();
  expect(it.read(`[7,1,["1"],"${pairs}"]`)).toMatchObject({ tables: new Map([[1, 'all']]), ddl: true });
  expect(it.read(`[7,3,["1"],"${ids}"]`)).toMatchObject({ tables: new Map([[3, 'all']]), ddl: true });
  // Of a table that is not kept, it is known to be so.
  expect(it.read(`[7,4,["1"],"${pairs}"]`)).toMatchObject({ tables: new Map([[4, 'all']]), ddl: false });
});

test.each([
  '',
  'x',
  '{}',
  '[]',
  '[1]',
  '[1,2]',
  '["1",2,"all"]',
  '[1.5,2,"all"]',
  '[-1,2,"all"]',
  '[1,2,"some"]',
  '[1,2,3]',
])('what anyone else tells (%s) is not heeded', (payload) => {
  expect(changes().read(payload)).toBeUndefined();
});
