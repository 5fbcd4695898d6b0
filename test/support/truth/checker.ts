import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { createClient } from 'redis';
import type { RedisServer } from '../redis.ts';
import { Member } from './member.ts';
import type { Served, TruthOrder, TruthSettings } from './messages.ts';
import { questions } from './questions.ts';
import { oneOf, type Random, randomOf } from './random.ts';
import { prepareTruth } from './schema.ts';
import type { TruthServers } from './servers.ts';
import { definitionOf, transactionOf } from './writes.ts';

export type Disturbance =
  /** The connections that changes come on. */
  | 'cut stream'
  /** All connections of the application. */
  | 'cut everything'
  /** A process is killed, and another one started. */
  | 'kill process'
  /** A process is held for longer than changes may be late, or not as long. */
  | 'freeze process'
  /** The server's process that sends changes. */
  | 'freeze sender'
  | 'freeze redis'
  | 'restart redis'
  | 'flush redis'
  | 'change definitions';

export interface CheckOptions {
  servers: TruthServers;
  redis?: RedisServer | undefined;
  changes?: TruthSettings['changes'];
  readReplicas?: boolean;
  fenced?: boolean;
  processes?: number;
  /** Told after each round, which ends with everything coming to rest and a comparison: whether it was the last. */
  until: (sofar: { round: number; kept: number; wrong: number }) => boolean;
  roundMs: number;
  disturbances: readonly Disturbance[];
  seed: number;
  say?: (text: string) => void;
}

export interface TruthOutcome {
  kept: number;
  hits: number;
  tierHits: number;
  /** Answers from what is kept that were compared at rest. */
  compared: number;
  comparedInTier: number;
  wrong: string[];
  ownReads: number;
  stale: string[];
  backwards: string[];
  seen: number;
  epochs: number;
  disturbances: number;
  refused: Record<string, number>;
  errors: Record<string, number>;
}

const outsideWriters = 2;
/** Changes may be so late; processes that are frozen are so for less than twice as long. */
const maxLagMs = 1000;
const ownRowsOfEach = 10;

/** Processes of an application with a query cache, clients that know of none, and what can happen to them; at rest everything is compared. */
export async function checkTruth(options: CheckOptions): Promise<TruthOutcome> {
  await using checker = await Checker.start(options);
  for (let round = 1; ; round++) {
    await checker.round(round);
    if (options.until({ round, kept: checker.kept, wrong: checker.outcome.wrong.length })) break;
  }
  await checker.end();
  return checker.outcome;
}

class Checker {
  readonly outcome: TruthOutcome = {
    kept: 0,
    hits: 0,
    tierHits: 0,
    compared: 0,
    comparedInTier: 0,
    wrong: [],
    ownReads: 0,
    stale: [],
    backwards: [],
    seen: 0,
    epochs: 0,
    disturbances: 0,
    refused: {},
    errors: {},
  };
  readonly #options: CheckOptions;
  readonly #random: Random;
  readonly #url: string;
  readonly #admin: pg.Client;
  readonly #members: Member[] = [];
  #started = 0;
  #marker = 0;
  #running = false;

  static async start(options: CheckOptions): Promise<Checker> {
    const database = await options.servers.database((options.changes ?? 'stream') === 'stream');
    await prepareTruth(database.url);
    const admin = new pg.Client({ connectionString: database.adminUrl, pipeline: true });
    admin.on('error', () => {});
    await admin.connect();
    // Nobody waits for a standby that comes to a question or a cut.
    await admin.query(`SET synchronous_commit = local`);
    return new Checker(options, database, admin);
  }

  private constructor(options: CheckOptions, database: { url: string; adminUrl: string }, admin: pg.Client) {
    this.#options = options;
    this.#random = randomOf(options.seed);
    this.#url = database.url;
    this.#admin = admin;
    for (let i = 0; i < (options.processes ?? 3); i++) this.#members.push(this.#member());
  }

  async round(round: number): Promise<void> {
    const { roundMs, disturbances, say } = this.#options;
    const began = performance.now();
    await this.#each({ do: 'keep marker' });
    await this.#each({ do: 'run' });
    this.#running = true;
    const outside = Array.from({ length: outsideWriters }, () => this.#writes());
    const readersOfTokens = this.#passesTokens();
    // What happens to processes is over before they are asked to stop.
    const until = performance.now() + roundMs;
    while (performance.now() < until) {
      await pause(this.#random(Math.max(1, roundMs / 4)));
      if (disturbances.length > 0) await this.#disturb(oneOf(this.#random, disturbances));
    }
    this.#running = false;
    // Readers go on for a moment: what they keep now is not written again.
    await Promise.all([...outside, readersOfTokens, this.#each({ do: 'stop writing' })]);
    await pause(100 + this.#random(200));
    await this.#each({ do: 'halt' });
    await this.#compare();
    say?.(
      `round ${round}: ${this.kept} kept, ${this.outcome.compared} compared, ${this.outcome.wrong.length} wrong, ` +
        `${((performance.now() - began) / 1000).toFixed(1)} s`,
    );
  }

  get kept(): number {
    return this.#members.reduce((sum, { report }) => sum + (report?.kept ?? 0), this.outcome.kept);
  }

  /** Ends the processes in good order, and adds up what they have done. */
  async end(): Promise<void> {
    await Promise.all(this.#members.splice(0).map((member) => this.#leave(member, () => member.end())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    await Promise.all(this.#members.map((member) => member.kill()));
    await this.#admin.end();
  }

  #member(): Member {
    const { servers, redis, changes = 'stream', readReplicas = false, fenced = true, seed } = this.#options;
    const number = this.#started++;
    return new Member({
      url: this.#url,
      hosts: readReplicas ? servers.hosts : undefined,
      redis: redis && { url: redis.url, namespace: this.#url.slice(-8) },
      changes,
      maxLagMs,
      maxEntries: number % 3 === 1 ? 100 : 10_000,
      fenced,
      readers: 24,
      // Of tables with triggers nobody knows what their writes do: then nothing that is kept is given for a moment.
      writers: number % 3 === 0 ? 1 : 0,
      seed: seed * 1000 + number,
      ownFrom: number * ownRowsOfEach,
    });
  }

  #each(order: TruthOrder): Promise<unknown> {
    return Promise.all(this.#members.map((member) => member.ask(order)));
  }

  /** Counts what it has done. */
  async #leave(member: Member, end: () => Promise<unknown>): Promise<void> {
    await end();
    const { report } = member;
    if (!report) return;
    const { outcome } = this;
    outcome.kept += report.kept;
    outcome.hits += report.memoryHits + report.joined;
    outcome.tierHits += report.tierHits;
    outcome.ownReads += report.ownReads;
    outcome.epochs += report.epochs;
    outcome.stale.push(...report.stale);
    outcome.backwards.push(...report.backwards);
    for (const [total, counts] of [
      [outcome.refused, report.refused],
      [outcome.errors, report.errors],
    ] as const) {
      for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
    }
  }

  /** A client that has never heard of a cache. */
  async #writes(): Promise<void> {
    let client: pg.Client | undefined;
    while (this.#running) {
      try {
        if (!client) {
          client = new pg.Client(this.#url);
          client.on('error', () => {});
          await client.connect();
        }
        await client.query(transactionOf(this.#random));
      } catch (error) {
        // Writers run into each other, and their connections are cut.
        if (error instanceof pg.DatabaseError && !error.code?.startsWith('57')) {
          await client?.query('ROLLBACK').catch(() => {});
        } else {
          await client?.end().catch(() => {});
          client = undefined;
        }
      }
      await pause(this.#random(20));
    }
    await client?.end();
  }

  /** What one process has written, another one sees that was told so. */
  async #passesTokens(): Promise<void> {
    const id = 1990;
    for (let n = 1; this.#running; n++) {
      const [writer, reader] = [oneOf(this.#random, this.#members), oneOf(this.#random, this.#members)];
      try {
        const value = this.#started * 1_000_000 + n;
        const { token = '' } = await writer.ask({ do: 'write', id, value });
        const { value: seen = Number.NaN } = await reader.ask({ do: 'see', id, token });
        this.outcome.seen += 1;
        if (seen < value) this.outcome.stale.push(`another process was given ${seen} for ${value}`);
      } catch {
        // One of them was killed, or lost its connection.
      }
      await pause(this.#random(20));
    }
  }

  async #disturb(what: Disturbance): Promise<void> {
    this.outcome.disturbances += 1;
    const { redis } = this.#options;
    switch (what) {
      case 'cut stream':
        await this.#terminate(`application_name LIKE 'pitcrew%'`);
        return;
      case 'cut everything':
        await this.#terminate('true');
        return;
      case 'kill process': {
        const reader = this.#members.findIndex(({ report }) => report?.isReader);
        const place = this.#random(2) && reader >= 0 ? reader : this.#random(this.#members.length);
        const member = this.#members[place];
        if (!member) return;
        await this.#leave(member, () => member.kill());
        const next = (this.#members[place] = this.#member());
        await next.ask({ do: 'run' });
        return;
      }
      case 'freeze process': {
        const member = oneOf(this.#random, this.#members);
        member.freeze();
        await pause(this.#random(2 * maxLagMs));
        member.thaw();
        return;
      }
      case 'freeze sender': {
        const { rows } = await this.#admin.query<{ pid: number }>(
          `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('pitcrew change stream', 'pitcrew trigger stream')`,
        );
        const pids = rows.map(({ pid }) => pid).filter(() => this.#random(2) === 0);
        for (const pid of pids) process.kill(pid, 'SIGSTOP');
        await pause(this.#random(2 * maxLagMs));
        for (const pid of pids) process.kill(pid, 'SIGCONT');
        return;
      }
      case 'freeze redis':
        redis?.freeze();
        await pause(this.#random(2 * maxLagMs));
        redis?.thaw();
        return;
      case 'restart redis':
        await redis?.stop();
        await pause(this.#random(2) * this.#random(maxLagMs));
        await redis?.start();
        return;
      case 'flush redis':
        if (redis) await flush(redis.url);
        return;
      case 'change definitions': {
        const client = new pg.Client(this.#url);
        client.on('error', () => {});
        try {
          await client.connect();
          await client.query(`SET lock_timeout = '500ms'`);
          await client.query(definitionOf(this.#random));
        } catch {
          // Somebody else had a lock for too long, and nothing is changed.
        } finally {
          await client.end().catch(() => {});
        }
      }
    }
  }

  async #terminate(which: string): Promise<void> {
    await this.#admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type IN ('client backend', 'walsender')
          AND random() < 0.7 AND ${which}`,
    );
  }

  /** Everything has come to rest when a change that was made last has arrived everywhere. */
  async #settle(): Promise<void> {
    await this.#each({ do: 'keep marker' });
    this.#marker += 1;
    await this.#admin.query('UPDATE markers SET n = $1 WHERE id = 1', [this.#marker]);
    const order = {
      do: 'await marker',
      value: this.#marker,
      withinMs: this.#options.fenced === false ? 2000 : 30_000,
    } as const;
    await Promise.all(
      this.#members.map(async (member) => {
        const { value } = await member.ask(order);
        if (value !== this.#marker) this.outcome.wrong.push(`the marker ${this.#marker} is still given as ${value}`);
      }),
    );
  }

  async #compare(): Promise<void> {
    await this.#settle();
    // Asked by one that has nothing in memory, everything comes from the tier that is there.
    const late = this.#options.redis && this.#member();
    if (late) {
      this.#members.push(late);
      await this.#settle();
    }
    const answers = new Map<number, Promise<string>>();
    const compare = async (member: Member, at: number): Promise<void> => {
      const { served } = await member.ask({ do: 'ask all' });
      const doubtful = await this.#differing(served, answers);
      this.outcome.compared += (served?.memory.length ?? 0) + (served?.tier.length ?? 0);
      this.outcome.comparedInTier += served?.tier.length ?? 0;
      if (doubtful.size === 0) return;
      // What is still on its way may take as long as it may be late.
      await pause(2 * maxLagMs);
      await this.#settle();
      const { served: again } = await member.ask({ do: 'ask all' });
      for (const [place, text] of await this.#differing(again, answers)) {
        this.outcome.wrong.push(
          `process ${at}${member === late ? ' (late)' : ''}: ${JSON.stringify(questions[place])} gave ${text}`,
        );
      }
    };
    await Promise.all(this.#members.map(compare));
    if (late) {
      this.#members.pop();
      await this.#leave(late, () => late.end());
    }
  }

  async #differing(served: Served | undefined, answers: Map<number, Promise<string>>): Promise<Map<number, string>> {
    const differing = new Map<number, string>();
    for (const [place, text] of [...(served?.memory ?? []), ...(served?.tier ?? [])]) {
      let answer = answers.get(place);
      if (!answer) answers.set(place, (answer = this.#answer(place)));
      const right = await answer;
      if (right !== text) differing.set(place, `${text}, not ${right}`);
    }
    return differing;
  }

  async #answer(place: number): Promise<string> {
    const { text = '', values = [] } = questions[place] ?? {};
    const { rows } = await this.#admin.query({
      text,
      values: [...values],
      rowMode: 'array',
      types: { getTypeParser: () => (value: unknown) => value } as never,
    });
    return JSON.stringify(rows);
  }
}

async function flush(url: string): Promise<void> {
  const client = createClient({ url });
  await client.connect();
  await client.flushAll();
  client.destroy();
}
