import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fileName } from './daily-file.ts';
import { createLoggers } from './index.ts';

function output(isTTY = false) {
  const lines: string[] = [];
  return { isTTY, lines, write: (text: string) => lines.push(text) };
}
const config = { level: 'info', keepDays: 3 } as const;

describe('to stderr', () => {
  test('lines are JSON with time, channel and fields', () => {
    const out = output();
    createLoggers(config, out).slow.info({ database: 'shop', meanMs: 700 }, 'slow statement');
    expect(JSON.parse(out.lines[0] ?? '')).toMatchObject({
      level: 30,
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/) as string,
      channel: 'slow',
      database: 'shop',
      msg: 'slow statement',
    });
  });

  test('what is less serious than the level is left out', () => {
    const out = output();
    createLoggers(config, out).server.debug({}, 'request');
    expect(out.lines).toEqual([]);
  });

  test('at a terminal they are readable, and text from outside cannot forge lines', () => {
    const out = output(true);
    createLoggers(config, out).server.warn(
      { err: new Error('broken'), user: 'a\nINFO fake', count: 3 },
      'it\u001B[2J failed',
    );
    expect(out.lines).toHaveLength(1);
    expect(out.lines[0]).toMatch(/WARN.* server: it\\u001b\[2J failed {2}broken {2}user=a\\nINFO fake {2}count=3\n$/);
  });

  test('secrets are masked wherever they stand', () => {
    const out = output();
    const { server } = createLoggers(config, out);
    const error = new Error('cannot connect to postgres://app:hunter2@db/shop');
    server.error(
      {
        err: new Error('outer', { cause: error }),
        inner: error,
        headers: { authorization: 'Bearer hunter2', cookie: 'pitcrew_session=hunter2' },
        urls: ['postgres://app:hunter2@db/shop'],
        token: 'hunter2',
      },
      'tried postgres://app:hunter2@db/shop with password=hunter2',
    );
    expect(out.lines.join('')).not.toContain('hunter2');
    expect(JSON.parse(out.lines[0] ?? '')).toMatchObject({ headers: { authorization: '***', cookie: '***' } });
  });

  test('an output that breaks does not stop anything', () => {
    const broken = {
      write() {
        throw new Error('EPIPE');
      },
    };
    expect(() => createLoggers(config, broken).server.info({}, 'hello')).not.toThrow();
  });
});

describe('to files', () => {
  let dir = '';
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'pitcrew-log-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));
  const today = (channel: string) => fileName(channel, new Date());

  test('each channel has one file per day, which is continued', async () => {
    const first = createLoggers({ ...config, dir });
    first.slow.info({}, 'one');
    first.server.info({}, 'other');
    await first.close();
    const second = createLoggers({ ...config, dir });
    second.slow.info({}, 'two');
    await second.close();
    expect(readdirSync(dir).toSorted()).toEqual([today('server'), today('slow')]);
    const lines = readFileSync(join(dir, today('slow')), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['one', 'two']);
  });

  test('files older than keepDays go; those of others stay', async () => {
    const day = (days: number) => fileName('slow', new Date(Date.now() - days * 86_400_000));
    for (const name of [day(2), day(3), day(40), 'slow-notes.log', 'slower-2020-01-01.log'])
      writeFileSync(join(dir, name), 'x');
    const loggers = createLoggers({ ...config, dir });
    loggers.slow.info({}, 'one');
    await vi.waitFor(() => expect(readdirSync(dir)).not.toContain(day(40)), { timeout: 20_000 });
    await loggers.close();
    expect(readdirSync(dir).toSorted()).toEqual(
      [day(2), 'slow-notes.log', today('slow'), 'slower-2020-01-01.log'].toSorted(),
    );
  });

  test('a folder that cannot be written is told once, and the daemon goes on', async () => {
    const file = join(dir, 'file');
    writeFileSync(file, '');
    const out = output();
    const loggers = createLoggers({ ...config, dir: join(file, 'log') }, out);
    for (let i = 0; i < 5; i++) loggers.database.info({}, `line ${i}`);
    await loggers.close();
    expect(out.lines).toHaveLength(1);
    expect(out.lines[0]).toContain('the log of channel database cannot be written');
  });
});
