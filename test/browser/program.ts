import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const root = join(import.meta.dirname, '..', '..');
/** In that of the package, so that it goes when another version is installed. */
const folder = join(root, 'node_modules', '@sparticuz', 'chromium', 'unpacked');
const unpack = `
  import chromium from '@sparticuz/chromium';
  await chromium.executablePath();
`;

/**
 * The path of Chromium from npm, which its package holds packed. It is unpacked beside and moved into place when complete:
 * the package itself gives whoever asks meanwhile a program that is half written.
 */
export async function browserProgram(): Promise<string> {
  const staging = `${folder}.${randomBytes(4).toString('hex')}`;
  try {
    if (!existsSync(folder)) {
      mkdirSync(staging, { recursive: true });
      // The package unpacks into the folder for temporary files.
      const env = { ...process.env, TMPDIR: staging };
      await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', unpack], { cwd: root, env });
      moveIntoPlace(staging);
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
  return join(folder, 'chromium');
}

function moveIntoPlace(staging: string): void {
  try {
    renameSync(staging, folder);
  } catch (error) {
    // Another process was faster.
    if (!existsSync(folder)) throw error;
  }
}
