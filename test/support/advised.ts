import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  connectDatabase,
  type DatabaseConnection,
  probeProfile,
  type ServerProfile,
} from '../../src/engine/postgres/index.ts';
import type { Workload, WorkloadStatement } from '../../src/ops/advisor/index.ts';
import { openTwin, type Twin } from '../../src/ops/whatif/index.ts';

export interface Advised extends AsyncDisposable {
  connection: DatabaseConnection;
  profile: ServerProfile;
  twin: Twin;
}

/** A session with a database and a twin of it, closed and removed when the scope ends. */
export async function withTwin(url: string): Promise<Advised> {
  const connection = await connectDatabase({ url });
  const profile = await probeProfile(connection);
  // PostgreSQL runs as another user where we are root, who must reach the folder.
  const dataDir = join(tmpdir(), `pitcrew-twin-${randomBytes(6).toString('hex')}`);
  const twin = await openTwin({ connection, profile, dataDir });
  return {
    connection,
    profile,
    twin,
    async [Symbol.asyncDispose]() {
      await twin.close();
      await connection.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A workload as from a file: each statement once an hour, unless told otherwise. */
export function workloadOf(...statements: (string | (Partial<WorkloadStatement> & { text: string }))[]): Workload {
  return {
    source: 'file',
    coverage: 1,
    leftOut: [],
    statements: statements.map((given, at) => ({
      id: String(at + 1),
      samples: [],
      callsPerHour: 1,
      meanMs: null,
      ...(typeof given === 'string' ? { text: given } : given),
    })),
  };
}
