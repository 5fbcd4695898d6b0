import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder for one test that the user who runs PostgreSQL can pass through; removed when the scope ends. */
export function temporaryFolder(): { path: string } & AsyncDisposable {
  const path = mkdtempSync(join(realpathSync(tmpdir()), 'pitcrew-test-'));
  chmodSync(path, 0o711);
  return {
    path,
    async [Symbol.asyncDispose]() {
      // Processes that are ending may still remove or write something in it.
      rmSync(path, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The path of a folder like that, removed when the running test is finished. */
export function testFolder(): string {
  const folder = temporaryFolder();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.path;
}
