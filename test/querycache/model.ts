import { type ChangedTables, type Dependency, Fence, Snapshot } from '../../src/client/querycache/fence/index.ts';

interface Running {
  xid: number;
  writes: { table: number; key: string }[];
  /** Its commit is in the log, and so in the stream, but other sessions do not see it yet. */
  logged: boolean;
}

interface Pending {
  id: string;
  dependency: Dependency;
  snapshot: Snapshot;
  token: number | undefined;
  value: string;
}

interface Held {
  readonly dependency: Dependency;
  readonly snapshot: Snapshot;
  readonly value: string;
}

/** What a process is told that does not read the stream itself, in this order. */
type Told = ChangedTables | { opened: Snapshot };

/** What it has asked the tier for. */
interface Asked {
  id: string;
  held: Held;
  token: number | undefined;
  mark: number;
}

/**
 * A database with a change stream and a standby, as far as the fence is concerned. Every step is one that a server may take. What is
 * kept is in a tier that two processes share: one that reads the stream, and a follower that is told of it later, and has a memory of its
 * own.
 */
export class Model {
  readonly fence: Fence;
  readonly #fenced: boolean;
  #next = 100;
  readonly #running: Running[] = [];
  /** The log: transactions that have ended, in order, with what they wrote. */
  readonly #log: { xid: number; writes: Running['writes']; committed: boolean }[] = [];
  /** How much of the log was streamed, and how much the standby has replayed. */
  #streamed = 0;
  #replayed = 0;
  readonly #rows = new Map<string, Set<number>>();
  readonly #standbyRows = new Map<string, Set<number>>();
  readonly #pending: Pending[] = [];
  /** The tier. */
  readonly cache = new Map<string, Held>();
  readonly #follower: Fence;
  readonly #marks: boolean;
  readonly memory = new Map<string, Held>();
  readonly #untold: Told[] = [];
  readonly #asked: Asked[] = [];

  /** @param marks the follower takes its mark before it asks, as it should; else when it has the answer */
  constructor(fenced: boolean, transactionsPerTable: number, marks = true) {
    this.#fenced = fenced;
    this.#marks = marks;
    this.fence = new Fence({ transactionsPerTable });
    this.fence.open(this.#snapshot());
    this.#follower = new Fence({ transactionsPerTable });
    this.#follower.open(this.#snapshot());
  }

  begin(): void {
    this.#running.push({ xid: this.#next++, writes: [], logged: false });
  }

  write(which: number, table: number, key: string): void {
    const transaction = pick(this.#running, which);
    if (transaction && !transaction.logged) transaction.writes.push({ table, key });
  }

  logCommit(which: number): void {
    const transaction = pick(this.#running, which);
    if (!transaction || transaction.logged) return;
    transaction.logged = true;
    this.#log.push({ ...transaction, committed: true });
  }

  show(which: number): void {
    const transaction = pick(this.#running, which);
    if (!transaction?.logged) return;
    this.#running.splice(this.#running.indexOf(transaction), 1);
    apply(this.#rows, transaction);
  }

  rollBack(which: number): void {
    const transaction = pick(this.#running, which);
    if (!transaction || transaction.logged) return;
    this.#running.splice(this.#running.indexOf(transaction), 1);
    this.#log.push({ ...transaction, committed: false });
  }

  stream(): void {
    const ended = this.#log[this.#streamed];
    if (!ended) return;
    this.#streamed += 1;
    if (!ended.committed) return;
    const tables = new Map<number, Set<string>>();
    for (const { table, key } of ended.writes) tables.set(table, (tables.get(table) ?? new Set()).add(key));
    if (this.#fenced) this.#gone(this.fence.changed({ xid: ended.xid, tables }));
    else this.#deleteConcerned(tables);
    this.#untold.push({ xid: ended.xid, tables });
  }

  /** The follower is told of the next change. */
  tell(): void {
    const told = this.#untold.shift();
    if (!told) return;
    const gone = 'opened' in told ? this.#follower.open(told.opened) : this.#follower.changed(told);
    for (const id of gone) this.memory.delete(id);
  }

  /** The follower has missed something: it begins anew with what comes from now on. */
  miss(): void {
    this.#untold.length = 0;
    this.#follower.open(this.#snapshot());
    this.memory.clear();
  }

  ask(which: number): void {
    const found = pick([...this.cache], which);
    if (!found) return;
    const [id, held] = found;
    this.#asked.push({ id, held, token: this.#follower.token(), mark: this.#follower.mark() });
  }

  answer(which: number): void {
    const asked = pick(this.#asked, which);
    if (!asked) return;
    this.#asked.splice(this.#asked.indexOf(asked), 1);
    const { id, held, token } = asked;
    const mark = this.#marks ? asked.mark : this.#follower.mark();
    if (!this.#follower.keepCertified(id, [held.dependency], held.snapshot, token, mark)) return;
    this.memory.set(id, held);
  }

  replay(): void {
    const ended = this.#log[this.#replayed];
    if (!ended) return;
    this.#replayed += 1;
    if (ended.committed) apply(this.#standbyRows, ended);
  }

  /** The stream is lost and begins anew: of what is in the log by now, nothing comes any more. */
  cut(): void {
    this.#gone(this.fence.close());
    this.#streamed = this.#log.length;
    this.#gone(this.fence.open(this.#snapshot()));
    this.#untold.push({ opened: this.#snapshot() });
  }

  note(): void {
    this.fence.noted(this.#snapshot());
  }

  read(dependency: Dependency, standby: boolean): void {
    const id = `${dependency.table}/${dependency.keys?.join() ?? '*'}`;
    const token = this.fence.token();
    const snapshot = standby ? this.#standbySnapshot() : this.#snapshot();
    this.#pending.push({
      id,
      dependency,
      snapshot,
      token,
      value: value(standby ? this.#standbyRows : this.#rows, dependency),
    });
  }

  fill(which: number): void {
    const read = pick(this.#pending, which);
    if (!read) return;
    this.#pending.splice(this.#pending.indexOf(read), 1);
    const { id, dependency, snapshot, token } = read;
    if (this.#fenced && !this.fence.keep(id, [dependency], snapshot, token)) return;
    this.cache.set(id, { dependency, snapshot, value: read.value });
  }

  /** Everything that is under way ends and arrives. @returns entries that are wrong then, in the tier and in the memory. */
  quiesce(): { cache: string[]; memory: string[] } {
    while (this.#running.length > 0) {
      this.logCommit(0);
      this.show(0);
    }
    while (this.#streamed < this.#log.length) this.stream();
    while (this.#pending.length > 0) this.fill(0);
    while (this.#untold.length > 0) this.tell();
    while (this.#asked.length > 0) this.answer(0);
    return { cache: this.#wrong(this.cache), memory: this.#wrong(this.memory) };
  }

  #wrong(held: ReadonlyMap<string, Held>): string[] {
    return [...held].filter(([, entry]) => entry.value !== value(this.#rows, entry.dependency)).map(([id]) => id);
  }

  #gone(ids: readonly string[]): void {
    for (const id of ids) this.cache.delete(id);
  }

  #deleteConcerned(tables: ReadonlyMap<number, ReadonlySet<string>>): void {
    for (const [id, { dependency }] of this.cache) {
      const keys = tables.get(dependency.table);
      if (keys && (dependency.keys?.some((key) => keys.has(key)) ?? true)) this.cache.delete(id);
    }
  }

  #snapshot(): Snapshot {
    const underWay = this.#running.map(({ xid }) => xid).toSorted((a, b) => a - b);
    return Snapshot.parse(`${underWay[0] ?? this.#next}:${this.#next}:${underWay.join(',')}`);
  }

  /** Names nothing that is under way, as PostgreSQL's do. */
  #standbySnapshot(): Snapshot {
    const over = new Set(this.#log.slice(0, this.#replayed).map(({ xid }) => xid));
    let xmin = 100;
    while (over.has(xmin)) xmin += 1;
    const xmax = Math.max(xmin, ...[...over].map((xid) => xid + 1));
    return Snapshot.parse(`${xmin}:${xmax}:`, { standby: true });
  }
}

/** What a statement would give: which transactions' writes it sees. */
function value(rows: ReadonlyMap<string, ReadonlySet<number>>, { table, keys }: Dependency): string {
  const seen = [...rows]
    .filter(([row]) => (keys ? keys.some((key) => row === `${table}/${key}`) : row.startsWith(`${table}/`)))
    .map(([row, xids]) => `${row}=${[...xids].toSorted((a, b) => a - b).join()}`);
  return seen.toSorted().join(' ');
}

function apply(rows: Map<string, Set<number>>, { xid, writes }: { xid: number; writes: Running['writes'] }): void {
  for (const { table, key } of writes) {
    const row = `${table}/${key}`;
    rows.set(row, (rows.get(row) ?? new Set()).add(xid));
  }
}

function pick<Item>(items: readonly Item[], which: number): Item | undefined {
  return items[which % Math.max(1, items.length)];
}
