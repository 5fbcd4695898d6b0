import fc from 'fast-check';

/** Definitions, and statements that write; each may be refused by the server. */
export interface WritingCase {
  definitions: string[];
  statements: string[];
  /** Nothing is defined that runs functions: all that a statement changes can be told. */
  plain: boolean;
}

const tables = ['t0', 't1', 't2', 't3', 't4', 't5'];
const table = fc.constantFrom(...tables);
/** Partitions and children, where the table has such. */
const part = fc.tuple(table, fc.constantFrom('_0', '_1', '_1_0')).map(([name, suffix]) => name + suffix);
const view = fc.constantFrom('v0', 'v1', 'v2', 'v3');

const shapes = [
  (name: string) => [`CREATE TABLE ${name} (id int PRIMARY KEY, a int, b int DEFAULT 1)`],
  (name: string) => [
    `CREATE TABLE ${name} (id int PRIMARY KEY, a int, b int DEFAULT 1) PARTITION BY RANGE (id)`,
    `CREATE TABLE ${name}_0 PARTITION OF ${name} FOR VALUES FROM (MINVALUE) TO (5)`,
    `CREATE TABLE ${name}_1 PARTITION OF ${name} FOR VALUES FROM (5) TO (MAXVALUE) PARTITION BY RANGE (id)`,
    `CREATE TABLE ${name}_1_0 PARTITION OF ${name}_1 FOR VALUES FROM (5) TO (8)`,
    `CREATE TABLE ${name}_1_1 PARTITION OF ${name}_1 DEFAULT`,
  ],
  (name: string) => [
    `CREATE TABLE ${name} (id int PRIMARY KEY, a int, b int DEFAULT 1)`,
    `CREATE TABLE ${name}_0 (PRIMARY KEY (id)) INHERITS (${name})`,
    `CREATE TABLE ${name}_1 (PRIMARY KEY (id)) INHERITS (${name}_0)`,
    `INSERT INTO ${name}_0 VALUES (11, 1, 1), (12, 2, NULL)`,
    `INSERT INTO ${name}_1 VALUES (13, 1, 1), (14, 3, 2)`,
  ],
  // Partitioned by what foreign keys set.
  (name: string) => [
    `CREATE TABLE ${name} (id int, a int, b int DEFAULT 1) PARTITION BY LIST (a)`,
    `CREATE TABLE ${name}_0 PARTITION OF ${name} FOR VALUES IN (1, 2, NULL)`,
    `CREATE TABLE ${name}_1 PARTITION OF ${name} DEFAULT`,
  ],
];

/** Rows that refer to each other's first four. */
const fill = (name: string): string =>
  `INSERT INTO ${name} SELECT n, n % 4 + 1, nullif((n + 1) % 4 + 1, 2) FROM generate_series(1, 9) n`;

const action = fc.constantFrom('NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT');
const foreignKey = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: table }, part),
    fc.constantFrom('a', 'b'),
    fc.oneof({ weight: 4, arbitrary: table }, part),
    action,
    action,
    fc.constantFrom('', ' DEFERRABLE INITIALLY DEFERRED'),
  )
  .map(
    ([from, column, to, onDelete, onUpdate, deferred]) =>
      `ALTER TABLE ${from} ADD FOREIGN KEY (${column}) REFERENCES ${to} (id) ON DELETE ${onDelete} ON UPDATE ${onUpdate}${deferred}`,
  );

const someViews = fc
  .tuple(fc.array(fc.oneof(table, part, view), { minLength: 4, maxLength: 4 }), fc.nat(15), table)
  .map(([bases, how, other]) =>
    bases.map((base, at) => {
      const condition = [
        '',
        'WHERE id > 0',
        `WHERE a IN (SELECT id FROM ${other})`,
        `WHERE EXISTS (SELECT FROM ${other}) WITH CHECK OPTION`,
      ];
      return `CREATE VIEW v${at} AS SELECT id, a, b FROM ${base} ${condition[(how >> at) & 3] ?? ''}`;
    }),
  );

const event = fc.constantFrom('INSERT', 'UPDATE', 'DELETE');
const trigger = fc
  .tuple(
    fc.constantFrom('BEFORE', 'AFTER'),
    fc.oneof(event, fc.constant('INSERT OR UPDATE OR DELETE')),
    fc.oneof({ weight: 3, arbitrary: table }, part),
    fc.constantFrom('ROW', 'STATEMENT'),
    fc.constantFrom('logs', 'logs', 'pitcrew.told'),
    fc.nat(1_000_000),
  )
  .map(
    ([when, what, on, each, called, id]) =>
      `CREATE TRIGGER g${id} ${when} ${what} ON ${on} FOR EACH ${each} EXECUTE FUNCTION ${called}()`,
  );
const instead = fc
  .tuple(event, view)
  .map(([what, on]) => `CREATE TRIGGER i INSTEAD OF ${what} ON ${on} FOR EACH ROW EXECUTE FUNCTION logs()`);
const truncateTrigger = table.map((on) => `CREATE TRIGGER e AFTER TRUNCATE ON ${on} EXECUTE FUNCTION logs()`);
const rule = fc
  .tuple(event, fc.oneof(table, view), fc.constantFrom('ALSO', 'INSTEAD'))
  .map(([what, on, how]) => `CREATE RULE r AS ON ${what} TO ${on} DO ${how} INSERT INTO log VALUES (1)`);
const expression = fc
  .tuple(fc.oneof(table, part), fc.constantFrom('ALTER b SET DEFAULT log_one()', 'ADD CHECK (log_one() = 1)'))
  .map(([on, what]) => `ALTER TABLE ${on} ${what}`);
const active = fc.oneof({ weight: 4, arbitrary: trigger }, instead, truncateTrigger, rule, expression);

const number = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 1, max: 9 }) }, fc.integer({ min: 1, max: 30 }));
const target = fc.oneof(
  { weight: 5, arbitrary: table },
  { weight: 2, arbitrary: part },
  { weight: 3, arbitrary: view },
);
const only = fc.constantFrom('', '', '', 'ONLY ');
const value = fc.oneof(number.map(String), fc.constantFrom('NULL', 'a', 'b', 'DEFAULT'));
const column = fc.constantFrom('id', 'a', 'b');
const condition = fc.oneof(
  { weight: 3, arbitrary: number.map((n) => `id = ${n}`) },
  number.map((n) => `a = ${n} OR b = ${n}`),
  fc.constant('true'),
);

const insert = fc
  .tuple(
    target,
    number,
    number,
    fc.constantFrom(
      '',
      '',
      ' ON CONFLICT DO NOTHING',
      ' ON CONFLICT (id) DO UPDATE SET a = 2',
      ' ON CONFLICT (id) DO UPDATE SET id = excluded.id + 20',
    ),
  )
  .map(([into, id, a, conflict]) => `INSERT INTO ${into} (id, a) VALUES (${id}, ${((a - 1) % 4) + 1})${conflict}`);
const update = fc
  .tuple(only, target, column, value, condition)
  .map(([alone, of, what, to, where]) => `UPDATE ${alone}${of} SET ${what} = ${to} WHERE ${where}`);
const remove = fc
  .tuple(only, target, condition)
  .map(([alone, from, where]) => `DELETE FROM ${alone}${from} WHERE ${where}`);
const merge = fc
  .tuple(
    only,
    target,
    number,
    fc.subarray(
      [
        'WHEN MATCHED AND m.a = 1 THEN DELETE',
        'WHEN MATCHED THEN UPDATE SET id = m.id + 20',
        'WHEN NOT MATCHED THEN INSERT (id, a) VALUES (n, 1)',
      ],
      { minLength: 1 },
    ),
  )
  .map(
    ([alone, into, most, clauses]) =>
      `MERGE INTO ${alone}${into} m USING generate_series(1, ${most}) n ON m.id = n ${clauses.join(' ')}`,
  );
const truncate = fc
  .tuple(only, fc.oneof(table, part), fc.constantFrom('', ' CASCADE', ' CASCADE'))
  .map(([alone, what, how]) => `TRUNCATE ${alone}${what}${how}`);
const single = fc.oneof(
  { weight: 3, arbitrary: insert },
  { weight: 5, arbitrary: update },
  { weight: 5, arbitrary: remove },
  { weight: 2, arbitrary: merge },
);
const returning = fc.oneof(insert, update, remove).map((text) => `${text} RETURNING 1`);
const written = fc.oneof(
  { weight: 12, arbitrary: single },
  { weight: 2, arbitrary: truncate },
  { weight: 2, arbitrary: fc.tuple(returning, single).map(([one, other]) => `WITH w AS (${one}) ${other}`) },
  fc.tuple(returning, target).map(([one, from]) => `WITH w AS (${one}) SELECT * FROM w, ${from}`),
  fc.tuple(single, single).map(([one, other]) => `${one}; ${other}`),
  fc.constant('REFRESH MATERIALIZED VIEW m'),
  single.map((text) => `EXPLAIN ANALYZE ${text}`),
  single.map((text) => `EXPLAIN ${text}`),
);

const functions = [
  'CREATE TABLE log (n int)',
  `CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS
   'BEGIN INSERT INTO log VALUES (1); IF TG_LEVEL = ''ROW'' THEN RETURN coalesce(NEW, OLD); END IF; RETURN NULL; END'`,
  `CREATE FUNCTION log_one() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN 1; END'`,
];

/** Made anew in the schema `made`; `pitcrew.told` must be there. */
export const writingCase: fc.Arbitrary<WritingCase> = fc
  .record({
    kinds: fc.array(fc.nat(9), { minLength: tables.length, maxLength: tables.length }),
    keys: fc.array(foreignKey, { minLength: 2, maxLength: 9 }),
    views: someViews,
    seen: table,
    actives: fc.oneof(fc.constant([]), fc.array(active, { minLength: 1, maxLength: 3 })),
    statements: fc.array(written, { minLength: 30, maxLength: 30 }),
  })
  .map(({ kinds, keys, views, seen, actives, statements }) => ({
    definitions: [
      ...functions,
      ...tables.flatMap((name, at) => shapes[Math.max(0, (kinds[at] ?? 0) - 6)]?.(name) ?? []),
      ...tables.map(fill),
      ...keys,
      ...views,
      `CREATE MATERIALIZED VIEW m AS SELECT * FROM ${seen}`,
      ...actives,
    ],
    statements,
    plain: actives.length === 0,
  }));
