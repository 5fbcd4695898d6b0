import { textList } from '../../../engine/postgres/text-list.ts';
import { type CatalogReader, readSession, type Session } from '../dependencies/index.ts';
import { type Ask } from './ask.ts';
import { probeText, readProbe } from './probe.ts';

/** What sessions of the pool are like, as far as results depend on it. */
export interface SessionFacts {
  readonly session: Session;
  /** The hash of a session in which settings have the values that they had when they were first asked for, by the list of their names. */
  readonly hashes: Map<string, string>;
}

/** Lists of settings that are kept apart. */
const mostLists = 1000;
/** So many results from sessions of the same other kind, one after the other, and that kind counts from then on. */
const toBelieve = 3;

/**
 * Knows what the pool's sessions are like: all are opened the same way, and those that a caller has changed are told by their hash. Read
 * over a connection of the pool, because hooks of the application may set something in each.
 */
export class Sessions {
  readonly #ask: Ask;
  #facts: SessionFacts | undefined;
  #reading: Promise<SessionFacts> | undefined;
  #other: { hash: string; times: number } | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** What is known, at once. */
  get known(): SessionFacts | undefined {
    return this.#facts;
  }

  /** Reads it unless it is known; one reading for all who ask meanwhile. */
  read(): Promise<SessionFacts> {
    if (this.#facts) return Promise.resolve(this.#facts);
    this.#reading ??= this.#readNow().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  forget(): void {
    this.#facts = undefined;
    this.#other = undefined;
  }

  /** The hash of a session in which these settings have their usual values; at once where it is known. */
  hashOf(facts: SessionFacts, inputs: readonly string[]): string | Promise<string> {
    const list = textList(inputs);
    return facts.hashes.get(list) ?? this.#readHash(facts, list);
  }

  /** A result came from a session with another hash. @returns true when all that is known was forgotten */
  met(hash: string): boolean {
    this.#other = { hash, times: this.#other?.hash === hash ? this.#other.times + 1 : 1 };
    if (this.#other.times < toBelieve) return false;
    this.forget();
    return true;
  }

  /** A result came from a session as it should be. */
  confirmed(): void {
    this.#other = undefined;
  }

  async #readNow(): Promise<SessionFacts> {
    let hash: string | undefined;
    const reader: CatalogReader = {
      query: async ({ text, values = [] }) => {
        const { result, before } = await this.#ask(text, values, { text: probeText, values: ['{}'] });
        hash = readProbe(before)?.session;
        const names = result.fields.map(({ name }) => name);
        return {
          rows: result.rows.map((row) => Object.fromEntries(names.map((name, column) => [name, row[column] ?? null]))),
        };
      },
    };
    const session = await readSession(reader);
    const facts = { session, hashes: new Map<string, string>() };
    if (hash !== undefined) facts.hashes.set('{}', hash);
    this.#facts = facts;
    return facts;
  }

  async #readHash({ hashes }: SessionFacts, list: string): Promise<string> {
    const usual = hashes.get('{}');
    const { result, before } = await this.#ask(probeText, [list], { text: probeText, values: ['{}'] });
    const [row] = result.rows;
    const hash = readProbe(before)?.session === usual ? readProbe(row)?.session : undefined;
    // Of a session that someone has changed nothing is learnt; what depends on it is not kept this time.
    if (hash === undefined) return '';
    if (hashes.size < mostLists) hashes.set(list, hash);
    return hash;
  }
}
