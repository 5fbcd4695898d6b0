import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { openBucket, type S3Settings } from '../../../src/ops/backup/storage/s3/bucket.ts';
import { temporaryFolder } from '../folder.ts';
import { installWithApt } from '../programs.ts';

/** Debian's own, for which Swift is packaged. */
const python = '/usr/bin/python3';
const packageName = 'python3-swift';

/** An object store in use elsewhere, that has nothing of ours: OpenStack Swift, by its S3 API. */
export interface Swift extends AsyncDisposable {
  readonly settings: S3Settings;
}

let found: { version: string } | { missing: string } | undefined;

/** Which Swift this machine has, installed with apt where we are root and apt works; or in words why there is none, for `skip`. */
export function findSwift(): { version: string } | { missing: string } {
  return (found ??= look() ?? install());
}

function look(): { version: string } | undefined {
  if (!existsSync(python)) return undefined;
  const ran = spawnSync(python, ['-c', 'import swift; print(swift.__version__)'], { encoding: 'utf8' });
  return ran.status === 0 ? { version: ran.stdout.trim() } : undefined;
}

function install(): { version: string } | { missing: string } {
  const reason = installWithApt(packageName);
  return look() ?? { missing: `no OpenStack Swift on this machine: ${reason}` };
}

/** Starts one with empty buckets of these names, until the scope ends. Parts but the last have `smallestPart` bytes or more. */
export async function startSwift(smallestPart: number, ...buckets: string[]): Promise<Swift> {
  const folder = temporaryFolder();
  const key = { accessKeyId: 'test:tester', secretAccessKey: 'of-a-test' };
  const args = [folder.path, String(smallestPart), key.accessKeyId, key.secretAccessKey];
  const child = spawn(python, ['-B', join(import.meta.dirname, 'serve.py'), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const endpoint = `http://127.0.0.1:${await portOf(child)}`;
    const settings = { endpoint, region: 'us-east-1', pathStyle: true, ...key };
    for (const name of buckets) {
      const { sdk, client, bucket } = await openBucket(`s3://${name}`, settings);
      await client.send(new sdk.CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
    }
    return { settings, [Symbol.asyncDispose]: () => stop(child, folder) };
  } catch (error) {
    await stop(child, folder);
    throw error;
  }
}

async function portOf({ stdout }: ChildProcess): Promise<string> {
  if (!stdout) throw new Error('Swift has no output');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new Error('Swift has ended');
}

async function stop(child: ChildProcess, folder: AsyncDisposable): Promise<void> {
  child.stdin?.end();
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await folder[Symbol.asyncDispose]();
}
