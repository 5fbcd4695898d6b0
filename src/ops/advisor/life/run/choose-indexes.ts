import {
  connectDatabase,
  type DatabaseConnection,
  probeProfile,
  type ServerProfile,
} from '../../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../../errors.ts';
import { loadParser } from '../../../../sql/index.ts';
import type { WhatIf } from '../../../whatif/index.ts';
import { adviseIndexes, openWhatIf } from '../../indexes/index.ts';
import { selectIndexes } from '../../select/index.ts';
import {
  withObservedValues,
  type Workload,
  workloadFromHistory,
  workloadFromStatements,
  workloadFromTelemetry,
} from '../../workload/index.ts';
import { type IndexAdviser, type IndexRequest, standbyRefusal } from './index-round.ts';

/** The workload is that of so much time. */
const workloadMs = 7 * 86_400_000;
/** History that is younger knows less than what pg_stat_statements has counted: what is seldom asked has not come by yet. */
const enoughSeconds = 3600;
/** Of reading the catalog of a large database. */
const statementTimeoutMs = 60_000;

export interface ChooserOptions {
  backend: WhatIf['backend'];
  /** Folder for twins: one is made, and removed again, for each choice; what killed processes left there goes too. */
  dataDir: string;
}

/** Chooses indexes for the workload that history knows, or pg_stat_statements while history is young. */
export function createIndexAdviser({ backend, dataDir }: ChooserOptions): IndexAdviser {
  return async (request) => {
    const { url, signal, budgetBytes, drops, onProgress } = request;
    onProgress({ phase: 'reading the workload', ratio: null });
    await loadParser();
    const connection = await connectDatabase({ url, statementTimeoutMs });
    try {
      const profile = await probeProfile(connection);
      if (profile.isStandby) throw standbyRefusal();
      const workload = await workloadOf(request, connection, profile);
      onProgress({ phase: backend === 'twin' ? 'making a twin of the database' : 'asking HypoPG', ratio: null });
      await using whatIf = await openWhatIf({
        backend,
        url,
        connection,
        profile,
        twins: dataDir,
        workload,
        drops,
        signal,
      });
      const advice = await adviseIndexes({
        connection,
        profile,
        whatIf,
        workload,
        drops,
        selectIndexes,
        ...(budgetBytes === undefined ? {} : { budgetBytes }),
        onProgress: ({ phase, done, total }) =>
          onProgress({ phase: phases[phase], ratio: total > 1 ? done / total : null }),
        signal,
      });
      const { source, coverage, statements } = workload;
      return { advice, backend, workload: { source, coverage, statements: statements.length } };
    } finally {
      await connection.close();
    }
  };
}

const phases = {
  reading: 'reading the catalog',
  planning: 'planning statements under other indexes',
  choosing: 'choosing the best set',
  refining: 'refining the choice',
} as const;

async function workloadOf(
  { history, targetId }: IndexRequest,
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Workload> {
  const to = new Date();
  const from = new Date(to.getTime() - workloadMs);
  const ofHistory = (leastSeconds: number): Promise<Workload> =>
    workloadFromHistory(history, { targetId, from, to, database: profile.database, leastSeconds });
  const sources = [
    () => ofHistory(enoughSeconds),
    async () =>
      profile.statements.usable
        ? withObservedValues(await workloadFromStatements(connection, profile), history, { targetId })
        : undefined,
    () => ofHistory(0),
    () => workloadFromTelemetry(history, { targetId, from, to }),
  ];
  for (const read of sources) {
    const workload = await read();
    if (workload && workload.statements.length > 0) return workload;
  }
  throw new PitcrewError('E_UNSUPPORTED', 'no workload is known', {
    detail:
      'Neither the history nor pg_stat_statements nor an application that reports knows statements of this database that have a plan.',
    hint: 'pg_stat_statements has to be in use, and its texts readable: "pitcrew doctor" says what is missing.',
  });
}
