import { join } from 'node:path';
import {
  connectDatabase,
  type DatabaseConnection,
  probeProfile,
  type ServerProfile,
} from '../../src/engine/postgres/index.ts';
import {
  adviseIndexes,
  type AdviseOptions,
  type IndexAdvice,
  selectIndexes,
  type Workload,
  type WorkloadStatement,
} from '../../src/ops/advisor/index.ts';
import { openTwin, type Twin } from '../../src/ops/whatif/index.ts';
import { loadParser } from '../../src/sql/index.ts';
import { temporaryFolder } from './folder.ts';

export interface Advised extends AsyncDisposable {
  connection: DatabaseConnection;
  profile: ServerProfile;
  twin: Twin;
  advise(workload: Workload, more?: Partial<AdviseOptions>): Promise<IndexAdvice>;
}

/** A session with a database and a twin of it, closed and removed when the scope ends. */
export async function withTwin(url: string): Promise<Advised> {
  await loadParser();
  const connection = await connectDatabase({ url });
  const folder = temporaryFolder();
  const profile = await probeProfile(connection);
  const twin = await openTwin({ connection, profile, dataDir: join(folder.path, 'twin') });
  return {
    connection,
    profile,
    twin,
    advise: (workload, more = {}) =>
      adviseIndexes({ connection, profile, whatIf: twin, workload, selectIndexes, ...more }),
    async [Symbol.asyncDispose]() {
      await twin.close();
      await connection.close();
      await folder[Symbol.asyncDispose]();
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

/** The statements that would make the advised indexes. */
export function fixesOf({ indexes }: IndexAdvice): string[] {
  return indexes.flatMap(({ finding }) => finding.remedy?.fix ?? []);
}

/** Their definitions without names: `orders (customer_id)`. */
export function definitionsOf(advice: IndexAdvice): string[] {
  return fixesOf(advice).map((statement) => statement.replace(/^CREATE INDEX.*? ON (?:public\.)?/, ''));
}
