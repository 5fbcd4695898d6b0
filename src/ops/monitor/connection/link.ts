import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import {
  connectDatabase,
  type DatabaseConnection,
  probeProfile,
  type ServerProfile,
} from '../../../engine/postgres/index.ts';
import { backOff } from '../schedule/back-off.ts';
import { within } from '../schedule/within.ts';
import type { ConnectionState } from '../types.ts';

export type LinkState = Exclude<ConnectionState, 'standby-daemon'>;

export interface LinkOptions {
  url: string;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
  /** Told when the state changes, and when a server answers (again). */
  onChange: (link: Link) => void;
}

/** First and longest wait between two tries to connect. */
const firstRetryMs = 500;
const longestRetryMs = 15_000;

/**
 * The two connections to a watched database: `quick` for what is asked every second, `thorough` for longer scrapes, opened
 * when first needed. When the server is lost it is tried again for ever, and asked anew what it is each time: it may have
 * been upgraded, promoted or replaced.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly #settled = Promise.withResolvers<void>();
  #state: LinkState = 'connecting';
  #since = new Date();
  #error: PitcrewError | undefined;
  #profile: ServerProfile | undefined;
  #quick: DatabaseConnection | undefined;
  #thorough: Promise<DatabaseConnection> | undefined;
  #thoroughIsOpen = false;
  #answering = { before: 0, now: (): number => 0 };
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #connecting: Promise<void> | undefined;
  #stopped = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get state(): LinkState {
    return this.#state;
  }

  get since(): Date {
    return this.#since;
  }

  /** Why it is not `watching`. */
  get error(): PitcrewError | undefined {
    return this.#error;
  }

  /** The server as last asked; kept while it is away. */
  get profile(): ServerProfile | undefined {
    return this.#profile;
  }

  /** Connections that are open now: 2 at most. */
  get connections(): number {
    return Number(this.#quick?.isOpen ?? false) + Number(this.#thoroughIsOpen);
  }

  /** Time that the server took so far for what was asked on the connection for longer scrapes, in ms. */
  get thoroughMs(): number {
    return this.#answering.before + this.#answering.now();
  }

  /** Resolves when the first try to connect has ended, either way. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  start(): void {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
  }

  /** The connection for short things. Throws `E_DATABASE_UNREACHABLE` (or why else) while there is none. */
  quick(): DatabaseConnection {
    if (this.#quick?.isOpen) return this.#quick;
    if (this.#error) throw this.#error;
    throw this.#quick
      ? new PitcrewError('E_DATABASE_UNREACHABLE', `the connection to ${this.#quick.address} was lost`, {
          hint: 'It is opened again by itself; the log of the server says why it ended.',
        })
      : new PitcrewError('E_DATABASE_UNREACHABLE', 'the database is not connected yet');
  }

  /** The connection for longer scrapes, opened when there is none. */
  async thorough(): Promise<DatabaseConnection> {
    this.quick();
    const current = this.#thorough;
    const open = await current?.catch(() => undefined);
    if (open?.isOpen) return open;
    if (current === this.#thorough) this.#dropThorough();
    this.#thorough ??= this.#openThorough();
    return this.#thorough;
  }

  /** The server's profile. Throws while it is not known. */
  known(): ServerProfile {
    this.quick();
    if (!this.#profile) throw new PitcrewError('E_DATABASE_UNREACHABLE', 'the database is not connected yet');
    return this.#profile;
  }

  /** Asks the server anew what it is and what it allows. */
  async probe(): Promise<ServerProfile> {
    const profile = await probeProfile(this.quick());
    this.#profile = profile;
    return profile;
  }

  /** To be called after anything failed: finds out whether the server was lost, and connects again. */
  check(error: unknown): void {
    if (this.#stopped || this.#state !== 'watching' || this.#quick?.isOpen) return;
    this.#lost(toPitcrewError(error));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#settled.resolve();
    const thorough = await within(1500, this.#thorough);
    await Promise.all([this.#quick?.close(), thorough?.close()]);
    await within(1500, this.#connecting);
  }

  #lost(error: PitcrewError): void {
    void this.#quick?.close();
    this.#quick = undefined;
    this.#dropThorough();
    this.#set(stateOf(error), error);
    this.#retry();
  }

  #dropThorough(): void {
    void this.#thorough?.then(
      (connection) => connection.close(),
      () => undefined,
    );
    this.#thorough = undefined;
    this.#thoroughIsOpen = false;
  }

  async #openThorough(): Promise<DatabaseConnection> {
    try {
      const connection = await this.#open();
      this.#thoroughIsOpen = true;
      this.#answering = { before: this.thoroughMs, now: () => connection.answeringMs };
      return connection;
    } catch (error) {
      this.#thorough = undefined;
      throw error;
    }
  }

  #open(): Promise<DatabaseConnection> {
    const { url, statementTimeoutMs, lockTimeoutMs } = this.#options;
    return connectDatabase({ url, statementTimeoutMs, lockTimeoutMs });
  }

  async #connect(): Promise<void> {
    let connection: DatabaseConnection | undefined;
    try {
      connection = await this.#open();
      const profile = await probeProfile(connection);
      // Whoever stopped meanwhile found no connection to close.
      if (this.#stopped) throw new PitcrewError('E_DATABASE_UNREACHABLE', 'stopped');
      this.#profile = profile;
      this.#quick = connection;
      this.#tries = 0;
      this.#set('watching', undefined);
    } catch (error) {
      await connection?.close();
      const reason = toPitcrewError(error);
      this.#set(stateOf(reason), reason);
      this.#retry();
    } finally {
      this.#settled.resolve();
    }
  }

  #retry(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), backOff(firstRetryMs, this.#tries, longestRetryMs));
    this.#timer.unref();
    this.#tries += 1;
  }

  #set(state: LinkState, error: PitcrewError | undefined): void {
    const changed = state !== this.#state || error?.message !== this.#error?.message || state === 'watching';
    if (state !== this.#state) this.#since = new Date();
    this.#state = state;
    this.#error = error;
    if (changed && !this.#stopped) this.#options.onChange(this);
  }
}

function stateOf(error: PitcrewError): LinkState {
  if (error.code === 'E_UNSUPPORTED') return 'unsupported';
  if (error.code === 'E_DATABASE_UNREACHABLE') return 'unreachable';
  return 'refused';
}

/** Why the connection is as it is, in a sentence. */
export function reasonOf(error: PitcrewError | undefined): string | null {
  if (!error) return null;
  return error.detail && error.detail !== error.message ? `${error.message}: ${error.detail}` : error.message;
}
