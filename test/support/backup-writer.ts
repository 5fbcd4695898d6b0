import type pg from 'pg';

/** What a transaction does, as the ledger has it. `null` as a value: it is gone. */
type Change =
  | { kind: 'row'; table: string; id: number; value: string | null }
  | { kind: 'emptied' | 'created' | 'dropped'; table: string }
  | { kind: 'object'; id: number; value: string | null };

/** A moment of the server's. */
export interface Moment {
  lsn: bigint;
  /** As `--target-time` takes it. */
  time: string;
}

/** A transaction that has committed. */
export interface Committed {
  writer: number;
  /** Of this writer's, from 1. */
  number: number;
  xid: string;
  /** Just before it was told to commit. */
  before: Moment;
  /** When it had. */
  after: Moment;
  changes: Change[];
}

export const writers = 3;
export const shared = ['shared', 'elsewhere'];

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export const momentSql = `pg_current_wal_insert_lsn()::text AS lsn,
  to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time`;
export interface MomentRow extends pg.QueryResultRow {
  lsn: string;
  time: string;
}

export function momentOf(row: MomentRow | undefined): Moment {
  const [high = '0', low = '0'] = (row?.lsn ?? '').split('/');
  return { lsn: (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`), time: row?.time ?? '' };
}

export const housekeeping = (own: string, cuts: boolean): string[] => [
  `VACUUM (TRUNCATE ${cuts}) shared`,
  `VACUUM (FREEZE, TRUNCATE ${cuts}) elsewhere`,
  `VACUUM FULL ${own}`,
  'CHECKPOINT',
  'SELECT pg_switch_wal()',
  'ANALYZE shared',
  `INSERT INTO fleeting SELECT n, repeat('f', 100) FROM generate_series(1, 200) n`,
];

/** What one of the writers has, and does next. */
export class Writer {
  readonly own: string;
  #number = 0;
  #made = 0;
  readonly #index: number;
  readonly #random: () => number;
  /** Tables that it has made, and objects and rows that are there now. */
  #tables: string[] = [];
  #objects: number[] = [];
  readonly #rows = new Map<string, Set<number>>();

  constructor(index: number, random: () => number) {
    this.#index = index;
    this.#random = random;
    this.own = `own_${index}`;
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }

  /** @returns `undefined` when it was given up */
  async transaction(client: pg.Client): Promise<Committed | undefined> {
    const kept: Change[] = [];
    await client.query('BEGIN');
    for (let part = 1 + Math.floor(this.#random() * 4); part > 0; part -= 1) {
      const isNested = this.chance(0.4);
      if (isNested) await client.query('SAVEPOINT part');
      const changes = [await this.#change(client, kept)];
      if (isNested && this.chance(0.3)) changes.push(await this.#change(client, [...kept, ...changes]));
      if (isNested && this.chance(0.5)) await client.query('ROLLBACK TO part');
      else kept.push(...changes);
    }
    if (this.chance(0.2)) {
      await client.query('ROLLBACK');
      return undefined;
    }
    const number = this.#number + 1;
    await client.query('UPDATE progress SET number = $2 WHERE writer = $1', [this.#index, number]);
    const { rows } = await client.query<MomentRow & { xid: string }>(
      `SELECT nextval('numbers'), pg_current_xact_id()::text AS xid, ${momentSql}`,
    );
    await client.query('COMMIT');
    const { rows: later } = await client.query<MomentRow>(`SELECT ${momentSql}`);
    this.#number = number;
    this.#remember(kept);
    return {
      writer: this.#index,
      number,
      xid: rows[0]?.xid ?? '',
      before: momentOf(rows[0]),
      after: momentOf(later[0]),
      changes: kept,
    };
  }

  /** Does one thing; `before`: what this transaction has done already. */
  async #change(client: pg.Client, before: readonly Change[]): Promise<Change> {
    const draw = this.#random();
    if (draw < 0.05) {
      await client.query(`TRUNCATE ${this.own}`);
      return { kind: 'emptied', table: this.own };
    }
    if (draw < 0.12) {
      this.#made += 1;
      const table = `made_${this.#index}_${this.#made}`;
      await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, value text NOT NULL)`);
      return { kind: 'created', table };
    }
    const dropped = before.flatMap((change) => (change.kind === 'dropped' ? [change.table] : []));
    const tables = this.#tables.filter((table) => !dropped.includes(table));
    if (draw < 0.16 && tables.length > 0) {
      const table = this.pick(tables);
      await client.query(`DROP TABLE ${table}`);
      return { kind: 'dropped', table };
    }
    if (draw < 0.26) return this.#changeObject(client, before);
    return this.#changeRow(client, this.pick([...shared, ...shared, this.own, ...tables]));
  }

  async #changeObject(client: pg.Client, before: readonly Change[]): Promise<Change> {
    const gone = before.flatMap((change) => (change.kind === 'object' ? [change.id] : []));
    const known = this.#objects.filter((id) => !gone.includes(id));
    if (known.length > 3) {
      const id = this.pick(known);
      await client.query('SELECT lo_unlink($1)', [id]);
      return { kind: 'object', id, value: null };
    }
    this.#made += 1;
    const id = 100_000 * (this.#index + 1) + this.#made;
    const value = this.#text(9000);
    await client.query('SELECT lo_from_bytea($1, $2)', [id, Buffer.from(value)]);
    return { kind: 'object', id, value };
  }

  async #changeRow(client: pg.Client, table: string): Promise<Change> {
    const id = this.#index + writers * Math.floor(this.#random() * 400);
    if (this.#rows.get(table)?.has(id) && this.chance(0.4)) {
      await client.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
      return { kind: 'row', table, id, value: null };
    }
    const value = this.#text(this.chance(0.1) ? 12_000 : 300);
    await client.query(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value`, [
      id,
      value,
    ]);
    return { kind: 'row', table, id, value };
  }

  /** Of up to so many characters, which do not compress well. */
  #text(most: number): string {
    const length = 1 + Math.floor(this.#random() * most);
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
    return Array.from({ length }, () => alphabet[Math.floor(this.#random() * 36)]).join('');
  }

  #remember(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'created') this.#tables.push(change.table);
      else if (change.kind === 'dropped') this.#tables = this.#tables.filter((table) => table !== change.table);
      else if (change.kind === 'object') {
        this.#objects = this.#objects.filter((id) => id !== change.id);
        if (change.value !== null) this.#objects.push(change.id);
      } else if (change.kind === 'row') {
        const rows = this.#rows.get(change.table) ?? new Set();
        this.#rows.set(change.table, rows);
        if (change.value === null) rows.delete(change.id);
        else rows.add(change.id);
      }
    }
  }
}
