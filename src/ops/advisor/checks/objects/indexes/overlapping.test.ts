import { describe, expect, test } from 'vitest';
import { ask, expectFixAndUndo, found, foundNames } from '../../../../../../test/support/checks.ts';
import { testDatabase, testedMajors } from '../../../../../../test/support/postgres.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what begins a longer index is found, with the smallest that can stand for it', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text);
      CREATE INDEX a ON t (a);
      CREATE INDEX a_b ON t (a, b);
      CREATE INDEX a_b_c ON t (a, b, c) INCLUDE (id);
      CREATE INDEX c ON t (c) WHERE b > 0;
      CREATE INDEX c_id ON t (c, id) WHERE b > 0;
      CREATE INDEX lower_c ON t (lower(c));
      CREATE INDEX lower_c_a ON t (lower(c), a);
      CREATE INDEX b_down ON t (b DESC, a);
      CREATE INDEX b_up ON t (b, a DESC NULLS LAST, c);
    `);
    const answer = await ask(database.url, 'overlapping-index');
    expect(foundNames(answer)).toEqual(['a', 'a_b', 'c', 'lower_c']);
    await database.query(`DROP INDEX b_up; CREATE INDEX b_up ON t (b, a DESC, c)`);
    const again = await ask(database.url, 'overlapping-index');
    expect(foundNames(again)).toEqual(['a', 'a_b', 'b_down', 'c', 'lower_c']);
    const titles = Object.fromEntries(found(again).map(({ subject, title }) => [subject.name, title]));
    expect(titles['a']).toContain('a_b (a, b)');
    expect(titles['b_down']).toContain('b_up (b, a, c), read backwards');
    await expectFixAndUndo(database, 'overlapping-index');
  });

  test('what differs, enforces or belongs to something is left alone', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (id int PRIMARY KEY, a int, b int UNIQUE, c text);
      CREATE INDEX id_a ON t (id, a);
      CREATE INDEX b_a ON t (b, a);
      CREATE INDEX a ON t (a);
      CREATE INDEX a_partial ON t (a, b) WHERE b > 0;
      CREATE INDEX a_last ON t (b, c, a);
      CREATE INDEX a_included ON t (c) INCLUDE (a);
      CREATE INDEX c_b ON t (c, b);
      CREATE INDEX c_pattern ON t (c text_pattern_ops, a);
      CREATE INDEX c_collated ON t (c COLLATE "C", a);
      CREATE INDEX a_first ON t (a NULLS FIRST, b);
      CREATE INDEX hashed ON t USING hash (c);
      CREATE TABLE duplicated (a int, b int);
      CREATE INDEX one ON duplicated (a);
      CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
      CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
      CREATE INDEX part_at ON part (at);
      CREATE INDEX local_at_id ON part_1 (at, id);
      INSERT INTO duplicated VALUES (1, 1), (1, 1);
    `);
    // The wider one does not become valid.
    await expect(database.query(`CREATE UNIQUE INDEX CONCURRENTLY bad ON duplicated (a, b)`)).rejects.toThrow();
    expect(foundNames(await ask(database.url, 'overlapping-index'))).toEqual([]);
  });

  test('one that is much smaller is mentioned, with what speaks for it', async () => {
    await using database = await testDatabase(major);
    await database.query(`
      CREATE TABLE t (a int, b text);
      INSERT INTO t SELECT i % 10, repeat('x', 60) || i FROM generate_series(1, 20000) i;
      CREATE INDEX a ON t (a);
      CREATE INDEX a_b ON t (a, b);
    `);
    const [finding] = found(await ask(database.url, 'overlapping-index'));
    expect(finding).toMatchObject({ severity: 'info', key: 'overlapping-index:public.a' });
    expect(finding?.explanation).toContain('scans that read many rows of it would read more');
    expect(finding?.gain?.bytes).toBeGreaterThan(100_000);
  });
});
