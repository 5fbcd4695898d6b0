import { readFileSync, statSync } from 'node:fs';

/** The operating system's user that runs a server's programs and owns its files. */
export interface Identity {
  uid: number;
  gid: number;
  name: string;
}

/**
 * The user a server must run as, or `undefined` for the current one. PostgreSQL refuses to run as root, so root takes
 * the owner of the data directory when there is one, else the user behind `sudo`, else `postgres`, else `nobody`.
 */
export function serverIdentity(dataDir: string, env: NodeJS.ProcessEnv = process.env): Identity | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readUsers();
  const byUid = (uid: number): Identity | undefined => users.find((user) => user.uid === uid);
  const owner = statSync(dataDir, { throwIfNoEntry: false });
  if (owner && owner.uid !== 0) return byUid(owner.uid) ?? { uid: owner.uid, gid: owner.gid, name: `#${owner.uid}` };
  const sudoUid = Number(env['SUDO_UID'] ?? 0);
  return (
    (sudoUid > 0 ? byUid(sudoUid) : undefined) ??
    users.find((user) => user.name === 'postgres') ??
    users.find((user) => user.name === 'nobody') ?? { uid: 65_534, gid: 65_534, name: 'nobody' }
  );
}

/** What `spawn` needs to run a program as that user, with nothing of our environment and no folder of ours held open. */
export function spawnAs(identity: Identity | undefined): {
  uid?: number;
  gid?: number;
  cwd: string;
  env: NodeJS.ProcessEnv;
} {
  return { ...(identity ? { uid: identity.uid, gid: identity.gid } : {}), cwd: '/', env: { LC_ALL: 'C' } };
}

function readUsers(): Identity[] {
  try {
    return readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
      .filter(({ name, uid, gid }) => name && uid > 0 && gid > 0);
  } catch {
    return [];
  }
}
