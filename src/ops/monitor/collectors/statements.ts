import {
  isOwnStatement,
  readStatements,
  readStatementsInfo,
  readStatementTexts,
  type StatementRow,
  type StatementScope,
  type StatementsInfoRow,
} from '../../../engine/postgres/index.ts';
import { type BaselineEntry, type StatementDelta, statementKeyText, type StatementText } from '../../store/index.ts';
import type { Taken } from '../connection/top-statements.ts';
import { Baseline, type Increase, mergeChanges } from '../deltas/baseline.ts';
import {
  isOwnEntry,
  statementBaselineKey,
  statementDeltas,
  statementReading,
  type StatementReading,
  statementRules,
} from '../deltas/statements.ts';
import { NotReadable } from '../schedule/collector-loop.ts';
import { counter, type CountingCollector, type Found, gauge, type Scrape } from './collector.ts';

export interface StatementsOptions {
  /** A statement whose mean is above this counts as slow. */
  slowStatementMs: number;
  /** Whether texts are wanted for the history; without one only those of our own role are looked at. */
  withTexts: boolean;
  /** Whose statements are read. */
  scope: StatementScope;
}

/** Every scrape reads what has changed; now and then everything, to see what vanished without a trace. */
const fullReadEveryMs = 10 * 60_000;
/**
 * Reading texts makes the server read its whole file of texts (5,000 texts: 5 ms). So many reads may follow each other at
 * once; in the long run they may take this share of the server's time, but are not further apart than the longest wait.
 */
const textReads = { atOnce: 6, share: 0.0003, longestWaitMs: 60_000 };
/** Most texts that are asked for at once. */
const textsAtOnce = 2500;
/** Reads pg_stat_statements: only what has changed, texts only of what is new. */
export class StatementsCollector implements CountingCollector {
  readonly #options: StatementsOptions;
  readonly #baseline = new Baseline<StatementReading>(statementRules);
  readonly #evictions = new Baseline({ counters: 1 }, '@info/');
  #own = new Set<string>();
  /** Statements whose text was seen, and is in the store where there is one. */
  #texted = new Set<string>();
  /** Rows whose text is wanted, with the time that their statement has taken. */
  #wanted = new Map<string, { queryId: string; ms: number }>();
  #textReads = { left: textReads.atOnce, at: 0, lastMs: 0 };
  #fullReadAt = -Infinity;
  /** The server, its evictions and its last reset at the last full read. */
  #state: string | undefined;
  #busiest: Taken = { since: null, seconds: 0, totalMs: 0, statements: [] };

  constructor(options: StatementsOptions) {
    this.#options = options;
  }

  /** What took the most time between the last two readings. */
  get busiest(): Taken {
    return this.#busiest;
  }

  load(stored: ReadonlyMap<string, BaselineEntry>): void {
    this.#evictions.load(stored);
    this.#baseline.load(new Map([...stored].filter(([key]) => !key.startsWith('@info/'))));
    this.#own = new Set([...stored].filter(([, { values }]) => isOwnEntry(values)).map(([key]) => key));
    this.#startAnew();
  }

  /** Keys of statements whose text the store has, as it gives them. */
  loadTexted(known: Set<string>): void {
    this.#texted = known;
  }

  async collect(scrape: Scrape): Promise<Found> {
    const { connection, profile, at } = scrape;
    if (!profile.statements.usable) throw new NotReadable(profile.statements.skipped[0]?.reason ?? 'not readable');
    const { info, rows, skipped, state, full } = await this.#read(scrape);
    if (rows.length === 0 && skipped.length > 0 && this.#baseline.size === 0) {
      throw new NotReadable(skipped[0]?.reason ?? 'not readable');
    }
    const texts = await this.#readTexts(scrape, rows).catch((error: unknown) => {
      // Counters matter more: texts are asked for again the next time.
      if (!connection.isOpen) throw error;
      return [];
    });

    // From here on nothing can fail: what was read is counted whole.
    this.#evictions.belongsTo(profile.identity);
    this.#baseline.belongsTo(profile.identity);
    const reset = info.rows[0]?.statsReset ?? null;
    const scope = JSON.stringify(this.#options.scope);
    const scopeBefore = this.#evictions.stampOf('scope') ?? scope;
    const readings = rows.map((row) => ({
      ...statementReading(row, reset, this.#own.has(statementBaselineKey(row))),
      // What other databases counted before they came into our scope was counted elsewhere, or not at all.
      startOnly: scope !== scopeBefore && row.database !== profile.database,
    }));
    const step = this.#baseline.step(readings, at, full);
    this.#busiest = busiestOf(step.increases, step.seconds);
    const evictions = this.#evictions.step(
      [{ key: 'scope', values: [0], stamp: scope }, ...evictionReading(info.rows[0])],
      at,
      true,
    );
    if (full) this.#forgetVanished(state, at);
    const evicted = evictions.increases.find(({ reading }) => reading.key === 'dealloc')?.by[0] ?? 0;
    const statements = statementDeltas(step.increases);
    const own = statementDeltas(step.increases.filter(({ reading }) => this.#own.has(reading.key)));
    const samples = [
      gauge('statements.tracked', this.#baseline.size),
      ...(step.seconds > 0
        ? [...totals(statements, this.#options.slowStatementMs), counter('statements.evictions', evicted)]
        : []),
      ...(step.seconds > 0 ? ownCost(own, profile.blockSize) : []),
    ];
    return {
      seconds: step.seconds,
      groups: [{ source: 'statements', samples, seconds: step.seconds }],
      statements,
      texts,
      baseline: mergeChanges([step.change, evictions.change]),
      skipped: [...skipped, ...info.skipped],
    };
  }

  /** Reads all rows when some may have vanished, else those that have changed. */
  async #read({ connection, profile, at }: Scrape) {
    for (let tries = 1; ; tries += 1) {
      const info = await readStatementsInfo(connection, profile);
      const state = stateOf(profile.startedAt, info.rows[0]);
      const full = state !== this.#state || this.#fullReadAt + fullReadEveryMs <= at || this.#fullReadAt > at;
      const { rows, skipped } = await readStatements(connection, profile, {
        known: full ? [] : [...this.#baseline.memos()],
        scope: this.#options.scope,
      });
      const found = { info, rows, skipped, state, full };
      // Where rows do not say since when they count, a reset between the two reads would make them look older than it.
      if (tries === 3 || rows.every(({ statsSince }) => statsSince !== null)) return found;
      const after = await readStatementsInfo(connection, profile);
      if (after.rows[0]?.statsReset?.getTime() === info.rows[0]?.statsReset?.getTime()) return found;
    }
  }

  #startAnew(): void {
    this.#wanted = new Map();
    this.#fullReadAt = -Infinity;
    this.#state = undefined;
  }

  #forgetVanished(state: string, at: number): void {
    this.#fullReadAt = at;
    this.#state = state;
    for (const key of this.#own) if (!this.#baseline.has(key)) this.#own.delete(key);
    for (const key of this.#wanted.keys()) if (!this.#baseline.has(key)) this.#wanted.delete(key);
    // Names of what was evicted long ago need not be remembered for ever: the store knows them.
    if (this.#texted.size > 4 * this.#baseline.size + 10_000) {
      this.#texted = new Set([...this.#texted].slice(-2 * this.#baseline.size));
    }
  }

  #mayReadTexts(at: number): boolean {
    const everyMs = Math.min(this.#textReads.lastMs / textReads.share, textReads.longestWaitMs);
    const refilled = everyMs === 0 ? textReads.atOnce : Math.max(0, at - this.#textReads.at) / everyMs;
    const left = Math.min(textReads.atOnce, this.#textReads.left + refilled);
    this.#textReads = { ...this.#textReads, left: left >= 1 ? left - 1 : left, at };
    return left >= 1;
  }

  /** Texts of rows that are new, those of the statements that took most time first. */
  async #readTexts({ connection, profile, at }: Scrape, rows: readonly StatementRow[]): Promise<StatementText[]> {
    for (const row of rows) {
      if (!this.#options.withTexts && row.user !== profile.user) continue;
      if (this.#texted.has(statementKeyText(row))) continue;
      this.#wanted.set(statementBaselineKey(row), { queryId: row.queryId, ms: row.totalExecMs + row.totalPlanMs });
    }
    if (this.#wanted.size === 0 || !this.#mayReadTexts(at)) return [];
    const asked = [...this.#wanted].toSorted(([, a], [, b]) => b.ms - a.ms).slice(0, textsAtOnce);
    const began = performance.now();
    const found = await readStatementTexts(
      connection,
      profile,
      [...new Set(asked.map(([, { queryId }]) => queryId))],
      this.#options.scope,
    );
    this.#textReads.lastMs = performance.now() - began;
    for (const [key] of asked) this.#wanted.delete(key);
    const texts = new Map<string, StatementText>();
    for (const { text, ...row } of found.rows) {
      if (text === null) continue;
      const { queryId, toplevel, database, user } = row;
      const own = isOwnStatement(text);
      if (own) this.#own.add(statementBaselineKey(row));
      const name = statementKeyText(row);
      if (this.#texted.has(name)) continue;
      this.#texted.add(name);
      if (!this.#options.withTexts) continue;
      texts.set(name, { key: { queryId, toplevel, database, user }, text, own });
    }
    return [...texts.values()];
  }
}

/** So many of the busiest are kept: a screen full, and our own among them. */
const busiestKept = 50;

function busiestOf(increases: readonly Increase<StatementReading>[], seconds: number): Taken {
  const ms = ({ by }: Increase<StatementReading>): number => (by[2] ?? 0) / 1000;
  const busiest = increases.toSorted((a, b) => ms(b) - ms(a)).slice(0, busiestKept);
  return {
    since: null,
    seconds,
    totalMs: increases.reduce((total, increase) => total + ms(increase), 0),
    statements: statementDeltas(busiest).map(({ key, counters: { calls, rows, totalExecUs } }) => ({
      key,
      calls,
      rows,
      totalMs: totalExecUs / 1000,
    })),
  };
}

/** While this stays the same, no entry can have vanished (but for those reset one by one). */
function stateOf(startedAt: Date, info: StatementsInfoRow | undefined): string {
  return `${startedAt.getTime()} ${info?.dealloc ?? ''} ${info?.statsReset?.getTime() ?? ''}`;
}

function evictionReading(
  info: StatementsInfoRow | undefined,
): { key: string; values: number[]; stamp: string | undefined }[] {
  return info ? [{ key: 'dealloc', values: [info.dealloc], stamp: info.statsReset?.toISOString() }] : [];
}

function sum(deltas: readonly StatementDelta[], of: (delta: StatementDelta['counters']) => number): number {
  return deltas.reduce((total, { counters }) => total + of(counters), 0);
}

function totals(deltas: readonly StatementDelta[], slowStatementMs: number) {
  return [
    counter(
      'statements.calls',
      sum(deltas, ({ calls }) => calls),
    ),
    counter('statements.exec_seconds', sum(deltas, ({ totalExecUs }) => totalExecUs) / 1e6),
    counter('statements.plan_seconds', sum(deltas, ({ totalPlanUs }) => totalPlanUs) / 1e6),
    counter(
      'statements.rows',
      sum(deltas, ({ rows }) => rows),
    ),
    counter(
      'statements.slow_calls',
      sum(deltas, ({ calls, totalExecUs }) => (totalExecUs > calls * slowStatementMs * 1000 ? calls : 0)),
    ),
  ];
}

function ownCost(own: readonly StatementDelta[], blockSize: number) {
  return [
    counter('pitcrew.own_backend_seconds', sum(own, ({ totalExecUs, totalPlanUs }) => totalExecUs + totalPlanUs) / 1e6),
    counter(
      'pitcrew.own_calls',
      sum(own, ({ calls }) => calls),
    ),
    counter('pitcrew.own_temp_bytes', sum(own, ({ tempWritten }) => tempWritten) * blockSize),
  ];
}
