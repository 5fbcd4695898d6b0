import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type ScratchServer, startScratchServer } from '../../src/ops/embedded/index.ts';
import type { Installed } from './postgres.ts';
import { installWithApt } from './programs.ts';

const root = '/usr/lib/postgresql';

/** What PostgreSQL from npm lacks, by its library, and the package of Debian's that has it. */
const packages = {
  hypopg: (major: number) => `postgresql-${major}-hypopg`,
  llvmjit: (major: number) => (major >= 18 ? `postgresql-${major}-jit` : `postgresql-${major}`),
} as const;

type Library = keyof typeof packages;

/** A PostgreSQL of Debian's with a library, or in words why there is none. */
type Found = { major: number; binDir: string } | { missing: string };

const found = new Map<Library, Found>();

/** Finds it, or installs it with apt where we are root and apt works. */
function debianWith(library: Library): Found {
  const known = found.get(library) ?? look(library) ?? install(library);
  found.set(library, known);
  return known;
}

/** The newest that Pitcrew serves. */
function look(library: Library): Found | undefined {
  return majors()
    .filter((major) => existsSync(join(root, String(major), 'lib', `${library}.so`)))
    .map((major) => ({ major, binDir: join(root, String(major), 'bin') }))[0];
}

function majors(): number[] {
  const installed = existsSync(root) ? readdirSync(root).map(Number) : [];
  return installed.filter((major) => major >= 15).toSorted((a, b) => b - a);
}

function install(library: Library): Found {
  const [major = 15] = majors();
  const name = packages[library](major);
  const reason = installWithApt(name);
  return look(library) ?? { missing: `${name} is not installed, and ${reason}` };
}

async function start(library: Library, settings: Record<string, string>): Promise<ScratchServer> {
  const server = debianWith(library);
  if ('missing' in server) throw new Error(server.missing);
  return startScratchServer({ binaries: { binDir: server.binDir }, settings });
}

function whyNot(library: Library): string | undefined {
  const server = debianWith(library);
  return 'missing' in server ? server.missing : undefined;
}

/** Debian's own, which can compress what they send: those from npm are built without zstd. Or why there is none on this machine. */
export function serversWithZstd(): { servers: Installed[]; missing?: string } {
  let reason = '';
  if (majors().length === 0) reason = installWithApt('postgresql-15');
  const servers = majors().map((major) => ({ major, binaries: { binDir: join(root, String(major), 'bin') } }));
  return servers.length > 0 ? { servers } : { servers, missing: `postgresql-15 is not installed, and ${reason}` };
}

/** For benchmarks, which start it themselves. */
export const debianHypopg = (): Found => debianWith('hypopg');

/** Why there is no PostgreSQL with HypoPG on this machine; `undefined` when there is. For `skipIf`. */
export const noHypopg = (): string | undefined => whyNot('hypopg');

/** A server of its own, on which `CREATE EXTENSION hypopg` works; removed when the scope ends (`await using`). */
export const startHypopgServer = (settings: Record<string, string> = {}): Promise<ScratchServer> =>
  start('hypopg', settings);

/** Why there is no PostgreSQL that compiles expressions (JIT) on this machine; `undefined` when there is. For `skipIf`. */
export const noJit = (): string | undefined => whyNot('llvmjit');

/** A server of its own that compiles what its settings say; removed when the scope ends (`await using`). */
export const startJitServer = (settings: Record<string, string> = {}): Promise<ScratchServer> =>
  start('llvmjit', settings);
