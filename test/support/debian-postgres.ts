import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ScratchServer, startScratchServer } from '../../src/ops/embedded/index.ts';
import { installWithApt } from './programs.ts';

const root = '/usr/lib/postgresql';

/** A PostgreSQL of Debian's with the extension HypoPG, or in words why there is none. */
type Found = { major: number; binDir: string } | { missing: string };

let found: Found | undefined;

/** Finds it, or installs it with apt where we are root and apt works. */
export function debianHypopg(): Found {
  return (found ??= look() ?? install());
}

/** The newest that Pitcrew serves. */
function look(): Found | undefined {
  return majors()
    .filter((major) => existsSync(join(root, String(major), 'lib', 'hypopg.so')))
    .map((major) => ({ major, binDir: join(root, String(major), 'bin') }))[0];
}

function majors(): number[] {
  const installed = existsSync(root) ? readdirSync(root).map(Number) : [];
  return installed.filter((major) => major >= 15).toSorted((a, b) => b - a);
}

function install(): Found {
  const [major = 15] = majors();
  const name = `postgresql-${major}-hypopg`;
  const reason = installWithApt(name);
  return look() ?? { missing: `${name} is not installed, and ${reason}` };
}

/** Why there is no PostgreSQL with HypoPG on this machine; `undefined` when there is. For `skipIf`. */
export function noHypopg(): string | undefined {
  const server = debianHypopg();
  return 'missing' in server ? server.missing : undefined;
}

/** A server of its own, on which `CREATE EXTENSION hypopg` works; removed when the scope ends (`await using`). */
export async function startHypopgServer(settings: Record<string, string> = {}): Promise<ScratchServer> {
  const server = debianHypopg();
  if ('missing' in server) throw new Error(server.missing);
  return startScratchServer({ binaries: { binDir: server.binDir }, settings });
}
