import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CacheAnswer, CacheOrder } from '../support/cache-child.ts';
import { noOwnRedis, type RedisServer, startRedis } from '../support/redis.ts';

const missing = noOwnRedis();
const program = join(import.meta.dirname, '../support/cache-child.ts');

/** A process of a fleet. */
interface Member {
  readonly child: ChildProcess;
  obey(order: CacheOrder): Promise<CacheAnswer>;
  /** Resolves when it has begun to load something. */
  loading(): Promise<void>;
}

describe.skipIf(missing !== undefined)(`several processes on one Redis${missing ? ` (${missing})` : ''}`, () => {
  let redis: RedisServer;
  let fleet: Member[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    fleet = await Promise.all(Array.from({ length: 4 }, () => enlist()));
  }, 60_000);
  afterAll(async () => {
    await Promise.all(fleet.map(({ child }) => dismiss(child)));
    await redis[Symbol.asyncDispose]();
  });

  async function enlist(): Promise<Member> {
    const child = fork(program, { env: { ...process.env, REDIS_URL: redis.url } });
    const message = async (wanted: (message: unknown) => boolean): Promise<unknown> => {
      for (;;) {
        const [found] = (await once(child, 'message')) as [unknown];
        if (wanted(found)) return found;
      }
    };
    await message((each) => each === 'ready');
    return {
      child,
      obey: (order) => {
        const answer = message((each) => typeof each === 'object') as Promise<CacheAnswer>;
        child.send(order);
        return answer;
      },
      loading: async () => void (await message((each) => each === 'loading')),
    };
  }

  const remember = (key: string, value: string, callers = 1, loadMs = 0): CacheOrder => ({
    do: 'remember',
    key,
    value,
    callers,
    loadMs,
    tags: ['things'],
  });

  test('a thousand callers in four of them want one cold key: it is loaded once', async () => {
    const answers = await Promise.all(fleet.map((member, i) => member.obey(remember('cold', `of ${i}`, 250, 300))));
    expect(answers.reduce((sum, { loads }) => sum + loads, 0)).toBe(1);
    const values = new Set(answers.flatMap(({ values: each }) => each));
    expect(values.size).toBe(1);
  });

  test('what one invalidates the others serve no more', async () => {
    const [one, other] = fleet as [Member, Member];
    await one.obey(remember('shared', 'first'));
    expect(await other.obey(remember('shared', 'never'))).toEqual({ values: ['first'], loads: 0 });
    expect(await other.obey({ do: 'peek', key: 'shared' })).toMatchObject({ values: ['first'] });
    await one.obey({ do: 'invalidate', tags: ['things'] });
    await expect.poll(() => other.obey({ do: 'peek', key: 'shared' })).toMatchObject({ values: [null] });
    expect(await other.obey(remember('shared', 'second'))).toEqual({ values: ['second'], loads: 1 });
    expect(await one.obey(remember('shared', 'never'))).toEqual({ values: ['second'], loads: 0 });
  });

  test('a load that began before an invalidation of another process is kept nowhere', async () => {
    const [one, other, third] = fleet as [Member, Member, Member];
    const began = one.loading();
    const loading = one.obey(remember('late', 'old', 1, 300));
    await began;
    await other.obey({ do: 'invalidate', tags: ['things'] });
    expect(await loading).toEqual({ values: ['old'], loads: 1 });
    for (const member of [one, other, third]) {
      expect(await member.obey({ do: 'peek', key: 'late' })).toMatchObject({ values: [null] });
    }
    expect(await third.obey(remember('late', 'new'))).toEqual({ values: ['new'], loads: 1 });
  });

  test('what one sets defeats what another loads', async () => {
    const [one, other] = fleet as [Member, Member];
    const began = one.loading();
    const loading = one.obey(remember('set', 'loaded', 1, 300));
    await began;
    await other.obey({ do: 'set', key: 'set', value: 'set', tags: [] });
    expect(await loading).toEqual({ values: ['loaded'], loads: 1 });
    expect(await one.obey(remember('set', 'never'))).toEqual({ values: ['set'], loads: 0 });
  });

  test('one that dies while it loads holds up the others no longer than its lease', async () => {
    const doomed = await enlist();
    const began = doomed.loading();
    void doomed.obey(remember('orphan', 'never', 1, 600_000)).catch(() => {});
    await began;
    const [one] = fleet as [Member];
    const waiting = one.obey(remember('orphan', 'mine', 100));
    doomed.child.kill('SIGKILL');
    const beganAt = performance.now();
    expect(await waiting).toEqual({ values: ['mine'], loads: 1 });
    expect(performance.now() - beganAt).toBeLessThan(25_000);
  });

  test('a Redis that is frozen, gone or empty: the application goes on, and nothing invalidated comes back', async () => {
    const [one, other] = fleet as [Member, Member];
    await one.obey(remember('kept', 'before'));
    redis.freeze();
    expect(await one.obey(remember('fresh', 'own'))).toEqual({ values: ['own'], loads: 1 });
    await one.obey({ do: 'invalidate', tags: ['things'] });
    expect(await one.obey(remember('kept', 'after'))).toEqual({ values: ['after'], loads: 1 });
    redis.thaw();
    // Told of it once Redis can be reached again, and before anything of it is served.
    await expect
      .poll(async () => (await other.obey(remember('kept', 'after'))).values, { timeout: 20_000 })
      .toEqual(['after']);
    await redis.stop();
    expect((await one.obey(remember('gone', 'own'))).values).toEqual(['own']);
    await redis.start();
    let round = 0;
    const share = async (): Promise<CacheAnswer> => {
      const key = `back:${(round += 1)}`;
      await other.obey(remember(key, 'shared'));
      return one.obey(remember(key, 'own'));
    };
    await expect.poll(share, { timeout: 20_000 }).toEqual({ values: ['shared'], loads: 0 });
  }, 60_000);
});

async function dismiss(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
}
