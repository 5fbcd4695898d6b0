import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { startFailure } from './data-dir-errors.ts';
import { boundLog } from './log-file.ts';

test('a log that has grown begins anew, and its writer goes on', async () => {
  await using folder = temporaryFolder();
  const path = join(folder.path, 'server.log');
  const writer = openSync(path, 'a');
  appendFileSync(path, 'x'.repeat(1001));
  boundLog(path, 2000);
  expect(statSync(path).size).toBe(1001);
  boundLog(path, 1000);
  expect(statSync(`${path}.1`).size).toBe(1001);
  writeSync(writer, 'after\n');
  closeSync(writer);
  expect(readFileSync(path, 'utf8')).toBe('after\n');
});

test('what a log says about a failure becomes a short fact', () => {
  const log = 'FATAL:  could not write lock file "postmaster.pid": No space left on device';
  expect(startFailure('starting PostgreSQL', '/data', log)).toMatchObject({
    code: 'E_DATA_DIR',
    message: 'no space left for "/data"',
    detail: log,
  });
  expect(startFailure('initdb', '/data', 'it broke')).toMatchObject({ code: 'E_EMBEDDED', message: 'initdb failed' });
});
