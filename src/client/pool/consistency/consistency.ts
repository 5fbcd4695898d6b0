import { PitcrewError } from '../../../errors.ts';
import { formatLsn, type HostState, parseLsn, type PrimaryTerm, type Topology } from '../topology/index.ts';
import { CatchUp } from './catch-up.ts';
import { WrittenPositions } from './written-positions.ts';

export interface ConsistencyOptions {
  topology: Topology;
}

/**
 * Reading one's own writes from replicas. A *scope* is any object that stands for one reader, such as a request; without
 * a scope, the reader is this whole process.
 */
export interface Consistency {
  /** A write of this process has been acknowledged: an autocommitted statement, or a commit. Costs nothing but a number. */
  wrote(scope?: object): void;
  /**
   * Whether a host is known to have all that the reader must see: its own acknowledged writes, and its tokens. When not,
   * what is lacking to know is asked for in the background; the read belongs on the primary.
   */
  mayRead(host: HostState, scope?: object): boolean;
  /**
   * A position, as text, that covers all that the reader has written so far; when it has written nothing, all that anyone
   * has. For another process or a later request, which gives it to `atLeast`.
   * @throws {PitcrewError} `E_DATABASE_UNREACHABLE` when there is no primary that tells its position.
   */
  token(scope?: object): Promise<string>;
  /**
   * From now on the reader must see all that a token covers.
   * @throws {PitcrewError} `E_USAGE` when it is no token.
   */
  atLeast(scope: object | undefined, token: string): void;
  stop(): void;
}

/** What one reader must see. */
interface Reader {
  /** Number of its last write; 0 when there is none. */
  lastWrite: number;
  /** The write for which `lsn` and `term` are known. */
  knownWrite: number;
  lsn: bigint;
  term: PrimaryTerm | undefined;
  /** From tokens. */
  token: bigint;
}

/** After a question that brought nothing. */
const RETRY_MS = 100;
/** How long a token waits for a primary. */
const TOKEN_WITHIN_MS = 5000;

/** @see Consistency */
export function createConsistency({ topology }: ConsistencyOptions): Consistency {
  return new ReadYourWrites(topology);
}

class ReadYourWrites implements Consistency {
  readonly #topology: Topology;
  readonly #written = new WrittenPositions();
  readonly #catchUp: CatchUp;
  readonly #process = newReader();
  readonly #scopes = new WeakMap<object, Reader>();
  /** Replicas that readers were refused while the position of their writes was not known. */
  readonly #refused = new Set<HostState>();
  #writes = 0;
  /** The last write that the question under way covers; `undefined` when none is. */
  #asking: number | undefined;
  #again = false;
  #notBefore = 0;

  constructor(topology: Topology) {
    this.#topology = topology;
    this.#catchUp = new CatchUp(topology);
  }

  wrote(scope?: object): void {
    this.#writes += 1;
    this.#process.lastWrite = this.#writes;
    if (scope) this.#reader(scope).lastWrite = this.#writes;
  }

  mayRead(host: HostState, scope?: object): boolean {
    if (!host.healthy) return false;
    if (host.role !== 'replica') return true;
    const reader = scope ? this.#scopes.get(scope) : this.#process;
    if (!reader) return true;
    const required = this.#required(reader);
    if (required === undefined) {
      this.#refused.add(host);
      this.#ask(reader.lastWrite);
      return false;
    }
    if (required === 0n) return true;
    // Positions on different timelines do not compare. What the primary says is the truth, also after a failover.
    const timeline = this.#topology.term()?.timeline;
    if (timeline === undefined || host.timeline !== timeline) return false;
    if (host.replayedLsn !== undefined && host.replayedLsn >= required) return true;
    this.#catchUp.follow(host, required);
    return false;
  }

  async token(scope?: object): Promise<string> {
    const reader = scope ? this.#scopes.get(scope) : this.#process;
    const required = reader && this.#required(reader);
    if (reader && required !== undefined && required > 0n) return formatLsn(required);
    const { name } = await this.#topology.awaitPrimary(TOKEN_WITHIN_MS);
    const asked = await this.#position(name);
    if (asked === undefined) {
      throw new PitcrewError('E_DATABASE_UNREACHABLE', 'the position of the last write is not known', {
        detail: `${name} did not tell it.`,
        hint: 'The role must be allowed to call pg_current_wal_insert_lsn().',
      });
    }
    return formatLsn(reader && reader.token > asked ? reader.token : asked);
  }

  atLeast(scope: object | undefined, token: string): void {
    const lsn = parseLsn(token);
    const reader = scope ? this.#reader(scope) : this.#process;
    if (lsn > reader.token) reader.token = lsn;
  }

  stop(): void {
    this.#catchUp.stop();
    this.#notBefore = Infinity;
  }

  #reader(scope: object): Reader {
    let reader = this.#scopes.get(scope);
    if (!reader) this.#scopes.set(scope, (reader = newReader()));
    return reader;
  }

  /**
   * Up to where a replica must have replayed for a reader; 0 when anywhere will do, `undefined` while it is not known.
   */
  #required(reader: Reader): bigint | undefined {
    if (reader.knownWrite < reader.lastWrite) {
      const answer = this.#written.covering(reader.lastWrite);
      if (!answer) return undefined;
      reader.knownWrite = reader.lastWrite;
      reader.lsn = answer.lsn;
      reader.term = answer.term;
    }
    const own = reader.lastWrite === 0 ? 0n : this.#survived(reader);
    return own > reader.token ? own : reader.token;
  }

  /**
   * What is left of a reader's writes. After a failover, those that the new primary had not received are lost, and
   * those that it had are before the begin of its timeline: nobody need wait for a position beyond that.
   */
  #survived({ lsn, term }: Reader): bigint {
    const now = this.#topology.term();
    if (!now || !term || now === term) return lsn;
    const otherCluster = now.cluster !== undefined && term.cluster !== undefined && now.cluster !== term.cluster;
    if (otherCluster) return 0n;
    const promoted = now.timeline !== undefined && term.timeline !== undefined && now.timeline > term.timeline;
    return promoted && now.firstLsn !== undefined && now.firstLsn < lsn ? now.firstLsn : lsn;
  }

  /** Sees to it that the position of a write gets known. One question at a time. */
  #ask(write: number): void {
    if (this.#asking !== undefined) this.#again ||= write > this.#asking;
    else if (performance.now() >= this.#notBefore) void this.#learn();
  }

  async #learn(): Promise<void> {
    do {
      this.#again = false;
      this.#asking = this.#writes;
      const primary = this.#topology.primary();
      const lsn = primary && (await this.#position(primary.name));
      if (lsn === undefined) {
        this.#notBefore = Math.max(this.#notBefore, performance.now() + RETRY_MS);
        break;
      }
      for (const replica of this.#refused) this.#catchUp.follow(replica, lsn);
      this.#refused.clear();
    } while (this.#again);
    this.#asking = undefined;
  }

  /** Asks the primary, and keeps the answer if it is the primary still. */
  async #position(primary: string): Promise<bigint | undefined> {
    const upTo = this.#writes;
    const term = this.#topology.term();
    const { writtenLsn } = await this.#topology.probe(primary);
    if (writtenLsn === undefined || this.#topology.term() !== term || term?.name !== primary) return undefined;
    this.#written.add({ upTo, lsn: writtenLsn, term });
    return writtenLsn;
  }
}

function newReader(): Reader {
  return { lastWrite: 0, knownWrite: 0, lsn: 0n, term: undefined, token: 0n };
}
