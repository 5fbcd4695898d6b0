import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { contentOf, keys, type Question } from '../../../../test/support/file-tier-child.ts';
import { testFolder } from '../../../../test/support/folder.ts';
import { fileTier } from './index.ts';

const child = join(import.meta.dirname, '../../../../test/support/file-tier-child.ts');
const processes = 3;
const kills = 8;

test('nothing invalidated and nothing torn is given while processes are killed at random', async () => {
  const folder = testFolder();
  const truth = new Map(keys.map((key) => [key, 0]));
  /** Versions whose invalidation has been resolved. */
  const settled = new Map(keys.map((key) => [key, 0]));
  const wrong: Question[] = [];
  let given = 0;
  let changes = 0;
  const answers: { [Ask in Question['ask']]: (question: Extract<Question, { ask: Ask }>) => number } = {
    truth: ({ key }) => truth.get(key) ?? 0,
    settled: ({ key }) => settled.get(key) ?? 0,
    change: ({ key }) => {
      truth.set(key, (truth.get(key) ?? 0) + 1);
      return truth.get(key) ?? 0;
    },
    settle: ({ key, version }) => {
      settled.set(key, Math.max(settled.get(key) ?? 0, version));
      changes += 1;
      return 0;
    },
    given: (question) => {
      given += 1;
      if (question.version < question.atLeast || !question.isWhole) wrong.push(question);
      return 0;
    },
  };

  const alive = new Set<ChildProcess>();
  const failed: string[] = [];
  const start = () => {
    const started = fork(child, [folder], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    alive.add(started);
    let left = 50 + Math.random() * 300;
    started.stderr?.on('data', (text: Buffer) => failed.push(text.toString()));
    started.on('message', ([number, question]: [number, Question]) => {
      const answer = (answers[question.ask] as (question: Question) => number)(question);
      if (started.connected) started.send([number, answer], () => {});
      left -= 1;
      if (left < 0 && killed < kills && alive.delete(started)) {
        started.kill('SIGKILL');
        killed += 1;
        start();
      }
    });
  };
  let killed = 0;
  onTestFinished(() => {
    for (const each of alive) each.kill('SIGKILL');
  });
  for (let index = 0; index < processes; index += 1) start();
  const enough = () => (killed >= kills && given > 1500 && changes > 150) || failed.length > 0 || wrong.length > 0;
  await expect.poll(enough, { timeout: 50_000, interval: 50 }).toBe(true);
  const ended = [...alive].map((each) => once(each, 'exit'));
  for (const each of alive) each.kill('SIGKILL');
  await Promise.all(ended);
  expect(failed).toEqual([]);
  expect(wrong).toEqual([]);

  // Who comes afterwards finds all in order, and clears away what was left behind.
  const leftBehind = readdirSync(join(folder, 'temporary'));
  const anHourAgo = Date.now() / 1000 - 3601;
  for (const name of leftBehind) utimesSync(join(folder, 'temporary', name), anHourAgo, anHourAgo);
  const tier = fileTier({ folder });
  onTestFinished(() => tier.close());
  for (const key of keys) {
    const entry = await tier.get(key);
    if (!entry) continue;
    const { version } = entry.value as { version: number };
    expect(version).toBeGreaterThanOrEqual(settled.get(key) ?? 0);
    expect(entry.value).toEqual(contentOf(key, version));
  }
  expect(tier.stats().unreadable).toBe(0);
  await expect.poll(() => readdirSync(join(folder, 'temporary'))).toEqual([]);
});
