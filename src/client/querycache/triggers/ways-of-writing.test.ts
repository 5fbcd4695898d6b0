import { expect, test } from 'vitest';
import { type TestDatabase, sharedMajors, testDatabase } from '../../../../test/support/postgres.ts';
import { eventually } from '../../../../test/support/replicated.ts';
import { type Heard, heard } from '../../../../test/support/triggered.ts';

const schema = `
CREATE TABLE done (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, note text);
CREATE TABLE p (a int, id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p_low PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p_high PARTITION OF p FOR VALUES FROM (10) TO (1000) PARTITION BY RANGE (id);
CREATE TABLE p_ten (id int PRIMARY KEY, a int);
ALTER TABLE p_high ATTACH PARTITION p_ten FOR VALUES FROM (10) TO (100);
CREATE TABLE heir () INHERITS (t);
CREATE TABLE mother (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, mother int REFERENCES mother ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child ON DELETE CASCADE);
CREATE TABLE shard (id int PRIMARY KEY, mother int REFERENCES mother ON DELETE SET NULL) PARTITION BY RANGE (id);
CREATE TABLE shard_low PARTITION OF shard FOR VALUES FROM (0) TO (1000);
CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree ON DELETE CASCADE);
CREATE TABLE attached (id int PRIMARY KEY, p int REFERENCES p ON DELETE CASCADE);
`;

/** What was told of the transaction of a few statements, by name of the table. */
async function toldOf(database: TestDatabase, it: Heard, ...statements: string[]): Promise<Record<string, unknown>> {
  const before = it.changes().length;
  await database.query(['BEGIN', ...statements, 'COMMIT'].join('; '));
  await database.query('INSERT INTO done SELECT coalesce(max(id), 0) + 1 FROM done');
  const rows = await database.query<{ oid: number; name: string }>('SELECT oid, relname AS name FROM pg_class');
  const names = new Map(rows.map(({ oid, name }) => [oid, name]));
  const done = rows.find(({ name }) => name === 'done')?.oid ?? 0;
  await eventually(() =>
    it
      .changes()
      .slice(before)
      .some(({ tables }) => tables.has(done)),
  ).toBe(true);
  const told: Record<string, unknown> = {};
  for (const { tables } of it.changes().slice(before)) {
    for (const [oid, keys] of tables) {
      const name = names.get(oid) ?? '';
      const known = told[name];
      if (oid === done) continue;
      if (keys === 'all' || known === 'all') told[name] = 'all';
      else told[name] = [...new Set([...(Array.isArray(known) ? known : []), ...keys])].toSorted();
    }
  }
  return told;
}

test.each(sharedMajors())(
  'PostgreSQL %i: every way of writing is told, in the tables that have the rows',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query(schema);
    await using it = await heard(database.url);
    const told = (...statements: string[]) => toldOf(database, it, ...statements);
    expect(it.tables()).toEqual('attached child done grandchild heir mother p_low p_ten shard_low t tree'.split(' '));
    /** All that a statement by the name of `p` may have changed. */
    const inP = (...keys: string[]) => ({ p: keys, p_low: keys, p_high: keys, p_ten: keys });

    expect(await told('INSERT INTO p (id, a) VALUES (1, 1), (11, 1)')).toEqual(inP('1', '11'));
    expect(await told('INSERT INTO p_low (id, a) VALUES (2, 1)')).toEqual({ p_low: ['2'] });
    expect(await told('INSERT INTO p_high (id, a) VALUES (12, 1)')).toEqual({ p_high: ['12'], p_ten: ['12'] });
    expect(await told('UPDATE p SET id = 21 WHERE id = 1')).toEqual(inP('1', '21'));
    expect(
      await told(
        'MERGE INTO p USING (VALUES (2), (4)) v (i) ON p.id = v.i WHEN MATCHED THEN UPDATE SET a = 9 ' +
          'WHEN NOT MATCHED THEN INSERT (id, a) VALUES (i, 9)',
      ),
    ).toEqual(inP('2', '4'));
    expect(await told('INSERT INTO p (id) VALUES (4), (5) ON CONFLICT (id) DO UPDATE SET a = 7')).toEqual(
      inP('4', '5'),
    );
    expect(await told('INSERT INTO p (id) VALUES (4) ON CONFLICT DO NOTHING')).toEqual({});
    expect(await told('UPDATE p SET a = 1 WHERE id = 77')).toEqual({});
    expect(await told(`COPY p (id) FROM PROGRAM 'echo 6; echo 60'`)).toEqual(inP('6', '60'));
    expect(await told('TRUNCATE p_low CASCADE')).toEqual({ p_low: 'all', attached: 'all' });

    expect(
      await told(
        'WITH x AS (UPDATE p SET a = 8 WHERE id = 12 RETURNING id), y AS (INSERT INTO mother VALUES (1), (2)) ' +
          'DELETE FROM p WHERE id = 11',
      ),
    ).toEqual({ ...inP('11', '12'), mother: ['1', '2'] });
    expect(
      await told(
        'INSERT INTO child VALUES (1, 1), (2, 2)',
        'INSERT INTO grandchild VALUES (5, 1)',
        'INSERT INTO shard VALUES (1, 1), (2, 2)',
      ),
    ).toEqual({
      child: ['1', '2'],
      grandchild: ['5'],
      shard: ['1', '2'],
      shard_low: ['1', '2'],
    });
    expect(await told('DELETE FROM mother WHERE id = 1')).toEqual({
      mother: ['1'],
      child: ['1'],
      grandchild: ['5'],
      shard: ['1'],
      shard_low: ['1'],
    });
    expect(await told('DELETE FROM shard', 'UPDATE mother SET id = 3')).toEqual({
      mother: ['2', '3'],
      child: ['2'],
      shard: ['1', '2'],
      shard_low: ['1', '2'],
    });
    expect(
      await told('INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 1), (4, 2), (5, 4)', 'DELETE FROM tree WHERE id = 1'),
    ).toEqual({
      tree: ['1', '2', '3', '4', '5'],
    });
    expect(await told('INSERT INTO attached VALUES (1, 12)', 'DELETE FROM p WHERE id = 12')).toEqual({
      ...inP('12'),
      attached: ['1'],
    });

    expect(await told('INSERT INTO t VALUES (1)', `INSERT INTO heir VALUES (2, '')`)).toEqual({
      t: ['1'],
      heir: 'all',
    });
    expect(await told(`UPDATE t SET note = 'x'`)).toEqual({ t: ['1', '2'], heir: 'all' });
    expect(await told('TRUNCATE t')).toEqual({ t: 'all', heir: 'all' });
    expect(await told('TRUNCATE mother CASCADE')).toEqual({
      mother: 'all',
      child: 'all',
      grandchild: 'all',
      shard: 'all',
      shard_low: 'all',
    });
    expect(await told('SET LOCAL session_replication_role = replica', 'INSERT INTO mother VALUES (8)')).toEqual({
      mother: ['8'],
    });
    expect(
      await told('SAVEPOINT s', 'INSERT INTO mother VALUES (9)', 'ROLLBACK TO s', 'INSERT INTO t VALUES (3)'),
    ).toEqual({
      t: ['3'],
      heir: 'all',
    });
    expect(await told('INSERT INTO t VALUES (4)', 'ROLLBACK AND CHAIN')).toEqual({});
    expect(
      await told(
        'SET LOCAL search_path = pg_temp',
        'CREATE TEMP TABLE pitcrew_new (id int)',
        'UPDATE public.t SET id = 5',
      ),
    ).toEqual({ t: ['3', '5'], heir: 'all' });
    expect(it.opened()).toHaveLength(1);
    expect(it.closed()).toEqual([]);
  },
);
