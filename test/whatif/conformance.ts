import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type HypotheticalIndex, type IndexKey, type WhatIf } from '../../src/ops/whatif/index.ts';

export interface Conforming {
  /** Starts a server, or takes one that runs. @returns the URL of an empty database on it, and how to give it back. */
  source(): Promise<{ url: string } & AsyncDisposable>;
  /** Opens the backend on that database. */
  open(url: string): Promise<WhatIf>;
  /** Whether it can plan without an index that exists. */
  hides: boolean;
  /** Whether it can imagine partial and expression indexes wherever they are reached, and GIN. */
  imaginesAll: boolean;
}

const schema = `
  CREATE SCHEMA "Läger";
  CREATE TABLE events (
    id         int         PRIMARY KEY,
    kind       text        NOT NULL,
    account    int         NOT NULL,
    amount     int         NOT NULL,
    note       text,
    at         timestamptz NOT NULL
  );
  INSERT INTO events
  SELECT g,
         CASE WHEN g % 1000 = 0 THEN 'rare' ELSE 'usual' END,
         g % 5000,
         g % 97,
         CASE WHEN g % 50 = 0 THEN 'Note ' || g END,
         timestamptz '2026-01-01Z' + g * interval '1 min'
    FROM generate_series(1, 50000) AS g;
  CREATE INDEX events_at_idx ON events (at);
  CREATE TABLE accounts (id int PRIMARY KEY, name text NOT NULL, region int NOT NULL);
  INSERT INTO accounts SELECT g, 'Account ' || g, g % 25 FROM generate_series(1, 5000) AS g;
  CREATE TABLE "Läger"."Ordnung ""x""" AS SELECT g AS "Größe", g % 100 AS "sel""tsam" FROM generate_series(1, 20000) AS g;
  CREATE TABLE "Läger".twice AS SELECT g AS id FROM generate_series(1, 20000) AS g;
  CREATE VIEW rare_events AS SELECT * FROM events WHERE kind = 'rare';
`;

const wish = (
  id: string,
  table: string,
  columns: string[],
  more: Partial<HypotheticalIndex> = {},
): HypotheticalIndex => ({
  id,
  schema: 'public',
  table,
  method: 'btree',
  keys: columns.map((expression): IndexKey => ({ expression })),
  include: [],
  ...more,
});

const byAccount = wish('wish_account', 'events', ['account']);
const byAmount = wish('wish_amount', 'events', ['amount', 'account']);

/** What every backend of `WhatIf` must do. Call it within a `describe`. */
export function conformsToWhatIf({ source, open, hides, imaginesAll }: Conforming): void {
  let database: Awaited<ReturnType<typeof source>>;
  let admin: pg.Client;
  let whatIf: WhatIf;

  beforeAll(async () => {
    database = await source();
    admin = new pg.Client(database.url);
    await admin.connect();
    await admin.query(schema);
    // Whoever else looks at the database at this moment keeps VACUUM from finding pages that all can see.
    await vi.waitFor(
      async () => {
        await admin.query('VACUUM (ANALYZE)');
        const { rows } = await admin.query(
          `SELECT FROM pg_class WHERE relname = 'events' AND relallvisible = relpages`,
        );
        expect(rows.length).toBe(1);
      },
      { timeout: 20_000 },
    );
    whatIf = await open(database.url);
  }, 120_000);
  afterAll(async () => {
    await whatIf?.close();
    await admin?.end();
    await database?.[Symbol.asyncDispose]();
  });

  const costOn = async (text: string): Promise<number> => {
    const { rows } = await admin.query<{ 'QUERY PLAN': [{ Plan: { 'Total Cost': number } }] }>(
      `EXPLAIN (FORMAT JSON) ${text}`,
    );
    return rows[0]?.['QUERY PLAN'][0].Plan['Total Cost'] ?? Number.NaN;
  };
  const planned = (text: string, ...add: HypotheticalIndex[]) => whatIf.plan({ text }, { add });

  test('plans as the database does', async () => {
    for (const text of [
      'SELECT * FROM events WHERE account = 17',
      `SELECT * FROM events WHERE at > '2026-02-03Z' ORDER BY at LIMIT 10`,
      'SELECT a.region, sum(e.amount) FROM events e JOIN accounts a ON a.id = e.account GROUP BY 1 ORDER BY 2 DESC',
      'UPDATE events SET amount = amount + 1 WHERE id = 5',
    ]) {
      const { cost, uses } = await whatIf.plan({ text });
      expect(cost / (await costOn(text))).toBeCloseTo(1, 3);
      expect(uses).toEqual([]);
    }
  });

  test('says which indexes of the database a plan uses', async () => {
    const { usesExisting } = await whatIf.plan({
      text: `SELECT e.* FROM events e JOIN accounts a ON a.id = e.account WHERE e.at > '2026-02-04 17:00Z'`,
    });
    expect(usesExisting).toContainEqual({ schema: 'public', name: 'events_at_idx' });
    const bitmap = await whatIf.plan({
      text: `SELECT * FROM events WHERE at BETWEEN '2026-01-02Z' AND '2026-01-03Z' OR id < 10`,
    });
    expect(bitmap.usesExisting).toEqual(
      expect.arrayContaining([
        { schema: 'public', name: 'events_at_idx' },
        { schema: 'public', name: 'events_pkey' },
      ]),
    );
  });

  test('plans with an index that does not exist, calls it by its id, and forgets it', async () => {
    const text = 'SELECT * FROM events WHERE account = 17';
    const without = await planned(text);
    const withIt = await planned(text, byAccount);
    expect(withIt.uses).toEqual(['wish_account']);
    expect(withIt.cost).toBeLessThan(without.cost / 5);
    expect(JSON.stringify(withIt.plan)).toContain('"Index Name":"wish_account"');
    expect(await planned(text)).toEqual(without);
    const { rows } = await admin.query(`SELECT FROM pg_class WHERE relname LIKE 'wish%'`);
    expect(rows).toEqual([]);
  });

  test('plans with several, of which it names those that are used', async () => {
    const { uses } = await planned(
      'SELECT * FROM events e JOIN accounts a ON a.id = e.account WHERE a.name = $$Account 99$$',
      byAccount,
      byAmount,
      wish('wish_name', 'accounts', ['name']),
    );
    expect(uses.toSorted()).toEqual(['wish_account', 'wish_name']);
  });

  test('serves many calls at once, each under its own indexes', async () => {
    const text = 'SELECT * FROM events WHERE account = 17 AND amount = 5';
    const plans = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        planned(text, ...(n % 3 === 0 ? [] : n % 3 === 1 ? [byAccount] : [byAmount])),
      ),
    );
    for (const [n, { uses }] of plans.entries()) {
      expect(uses).toEqual(n % 3 === 0 ? [] : n % 3 === 1 ? ['wish_account'] : ['wish_amount']);
    }
  });

  test('plans with values of placeholders, and generically without', async () => {
    const text = 'SELECT * FROM events WHERE kind = $1 AND amount < $2::int';
    const byKind = wish('wish_kind', 'events', ['kind']);
    const rare = await whatIf.plan({ text, parameters: ['rare', '50'] }, { add: [byKind] });
    expect(rare.uses).toEqual(['wish_kind']);
    const usual = await whatIf.plan({ text, parameters: ['usual', '50'] }, { add: [byKind] });
    expect(usual.uses).toEqual([]);
    const generic = await whatIf.plan({ text }, { add: [byKind] });
    expect(generic.cost).not.toBe(rare.cost);
    expect(JSON.stringify(generic.plan)).toContain('$1');
    const quoted = await whatIf.plan({ text, parameters: [`it's \\ "so"`, '50'] });
    expect(JSON.stringify(quoted.plan)).toContain(`it''s`);
    const nothing = await whatIf.plan({ text, parameters: [null, null] });
    expect(nothing.cost).toBeLessThan(1);
  });

  test('imagines order, columns carried along, hash and BRIN', async () => {
    const newest = wish('wish_newest', 'events', [], {
      keys: [{ expression: 'account' }, { expression: 'at', descending: true, nulls: 'last' }],
    });
    const ordered = await planned('SELECT * FROM events WHERE account = 3 ORDER BY at DESC NULLS LAST LIMIT 1', newest);
    expect(ordered.uses).toEqual(['wish_newest']);
    expect(JSON.stringify(ordered.plan)).not.toContain('"Node Type":"Sort"');
    const covering = await planned(
      'SELECT note FROM events WHERE account = 3',
      wish('wish_covering', 'events', ['account'], { include: ['note'] }),
    );
    expect(JSON.stringify(covering.plan)).toContain('"Node Type":"Index Only Scan"');
    const hash = await planned(
      'SELECT * FROM events WHERE account = 3',
      wish('wish_hash', 'events', ['account'], { method: 'hash' }),
    );
    expect(hash.uses).toEqual(['wish_hash']);
    const brin = await planned(
      'SELECT count(*) FROM events WHERE id + 0 > 0',
      wish('wish_brin', 'events', ['id'], { method: 'brin' }),
    );
    expect(brin.uses).toEqual([]);
  });

  test('imagines partial and expression indexes for statements of one table', async () => {
    const rare = wish('wish_rare', 'events', ['amount'], { where: `kind = 'rare'` });
    const lower = wish('wish_lower', 'events', [], { keys: [{ expression: '(lower(note))' }] });
    expect((await planned(`SELECT * FROM events WHERE kind = 'rare' AND amount = 4`, rare)).uses).toEqual([
      'wish_rare',
    ]);
    expect((await planned('SELECT * FROM events WHERE amount = 4', rare)).uses).toEqual([]);
    expect((await planned(`SELECT * FROM events WHERE lower(note) = 'note 50'`, lower)).uses).toEqual(['wish_lower']);
    // They do not matter to statements of other tables.
    expect((await planned('SELECT * FROM accounts x, accounts y WHERE x.id = y.id', rare, lower)).uses).toEqual([]);
  });

  test('tells plainly of partial indexes and of GIN where it cannot imagine them', async () => {
    const rare = wish('wish_rare', 'events', ['amount'], { where: `kind = 'rare'` });
    const words = wish('wish_words', 'events', [], {
      method: 'gin',
      keys: [{ expression: `(to_tsvector('simple', note))` }],
    });
    const cases = [
      [`SELECT * FROM rare_events WHERE amount = 4`, rare],
      [`SELECT * FROM accounts a JOIN events e ON e.account = a.id WHERE e.kind = 'rare' AND e.amount = 4`, rare],
      [`SELECT * FROM events WHERE to_tsvector('simple', note) @@ 'x'::tsquery`, words],
    ] as const;
    for (const [text, index] of cases) {
      if (imaginesAll) expect((await planned(text, index)).uses).toEqual([index.id]);
      else await expect(planned(text, index)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
    }
    expect((await planned('SELECT 1')).cost).toBeGreaterThan(0);
  });

  test('plans without an index that exists, where it can', async () => {
    const text = `SELECT * FROM events WHERE at > '2026-02-04 17:00Z'`;
    const hide = [{ schema: 'public', name: 'events_at_idx' }];
    if (hides) {
      const { usesExisting, cost } = await whatIf.plan({ text }, { hide });
      expect(usesExisting).toEqual([]);
      expect(cost).toBeGreaterThan((await whatIf.plan({ text })).cost);
    } else {
      await expect(whatIf.plan({ text }, { hide })).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
      expect(whatIf.gaps.map(({ subject }) => subject)).toContain('planning without an index that exists');
    }
    expect((await whatIf.plan({ text })).usesExisting).toEqual(hide);
  });

  test('takes quoted names, and resolves names by search_path', async () => {
    const strange: HypotheticalIndex = {
      ...wish('wünsch "ä"', '', ['"Größe"']),
      schema: 'Läger',
      table: 'Ordnung "x"',
      include: ['sel"tsam'],
    };
    const { uses } = await planned('SELECT "sel""tsam" FROM "Läger"."Ordnung ""x""" WHERE "Größe" = 5', strange);
    expect(uses).toEqual(['wünsch "ä"']);
    const twice: HypotheticalIndex = { ...wish('wish_twice', 'twice', ['id']), schema: 'Läger' };
    const found = await whatIf.plan(
      { text: 'SELECT * FROM twice WHERE id = 5', searchPath: '"Läger", public' },
      { add: [twice] },
    );
    expect(found.uses).toEqual(['wish_twice']);
    const typed = await planned('SELECT * FROM events WHERE at > now() - interval $1');
    expect(typed.cost).toBeGreaterThan(0);
    await expect(planned('SELECT * FROM twice WHERE id = 5')).rejects.toMatchObject({
      code: 'E_QUERY',
      sqlState: '42P01',
    });
  });

  test('says how large an index would be', async () => {
    for (const [index, ddl] of [
      [byAccount, 'CREATE INDEX real_size ON events (account)'],
      [wish('wish_size', 'events', ['at', 'id']), 'CREATE INDEX real_size ON events (at, id)'],
      [
        wish('wish_part', 'events', ['id'], { where: `kind = 'usual'` }),
        `CREATE INDEX real_size ON events (id) WHERE kind = 'usual'`,
      ],
    ] as const) {
      await admin.query('BEGIN');
      await admin.query(ddl);
      const { rows } = await admin.query<{ bytes: number }>(`SELECT pg_relation_size('real_size')::float8 AS bytes`);
      await admin.query('ROLLBACK');
      const ratio = (await whatIf.size(index)) / (rows[0]?.bytes ?? Number.NaN);
      // HypoPG knows nothing of deduplication; how near the twin comes is measured elsewhere.
      expect(ratio).toBeGreaterThan(0.5);
      expect(ratio).toBeLessThan(imaginesAll ? 2 : 5);
    }
  });

  test.each([
    ['SELECT * FROM missing', 'E_QUERY', '42P01'],
    ['SELECT nothing FROM events', 'E_QUERY', '42703'],
    ['SELECT * FRO events', 'E_QUERY', '42601'],
    ['VACUUM events', 'E_UNSUPPORTED', undefined],
    ['EXPLAIN SELECT 1', 'E_UNSUPPORTED', undefined],
    ['SELECT 1; DELETE FROM events', 'E_QUERY', '42601'],
  ])('refuses %s', async (text, code, sqlState) => {
    await expect(whatIf.plan({ text }, { add: [byAccount] })).rejects.toMatchObject({ code, sqlState });
    expect((await planned('SELECT * FROM events WHERE account = 17', byAccount)).uses).toEqual(['wish_account']);
  });

  test('refuses an index that the database would refuse', async () => {
    for (const index of [wish('wish_none', 'missing', ['id']), wish('wish_none', 'events', ['missing'])]) {
      await expect(planned('SELECT 1', index)).rejects.toMatchObject({ name: 'PitcrewError' });
      await expect(whatIf.size(index)).rejects.toMatchObject({ name: 'PitcrewError' });
    }
  });

  test('changes nothing in the database', async () => {
    const state = `
      SELECT (SELECT count(*)::int FROM pg_class)                               AS relations,
             (SELECT count(*)::int FROM events)                                 AS events,
             (SELECT n_tup_ins + n_tup_upd + n_tup_del
                FROM pg_stat_user_tables WHERE relname = 'events')::int         AS written
    `;
    // What this session has written is counted when it says so, or some time later.
    await admin.query('SELECT pg_stat_force_next_flush()');
    await admin.query('SELECT 1');
    const { rows: before } = await admin.query(state);
    for (const text of [
      'DELETE FROM events',
      `INSERT INTO events SELECT id + 100000, kind, account, amount, note, at FROM events`,
      'UPDATE events SET amount = 0 WHERE account = 17',
    ]) {
      expect((await planned(text, byAccount)).cost).toBeGreaterThan(0);
    }
    expect((await admin.query(state)).rows).toEqual(before);
  });

  test('has nothing to say once it is closed', async () => {
    const other = await open(database.url);
    expect((await other.plan({ text: 'SELECT 1' })).cost).toBeGreaterThan(0);
    await other.close();
    await other.close();
    await expect(other.plan({ text: 'SELECT 1' })).rejects.toMatchObject({ name: 'PitcrewError' });
  });
}
