import { join } from 'node:path';
import { connectDatabase, probeProfile } from '../../../src/engine/postgres/index.ts';
import { selectIndexes, type Workload } from '../../../src/ops/advisor/index.ts';
import { adviseIndexes } from '../../../src/ops/advisor/indexes/index.ts';
import { type HypotheticalIndex, openHypopg, openTwin, type WhatIf } from '../../../src/ops/whatif/index.ts';
import { inSession, type WorkloadQuery } from '../../../test/support/workloads/index.ts';
import { classicCandidates } from './candidates.ts';
import { greedySelection } from './greedy.ts';

/** Who advises. */
export type SubjectName = 'no advice' | 'HypoPG, greedy' | 'Pitcrew, twin' | 'Pitcrew, HypoPG';

export interface Advice {
  subject: SubjectName;
  indexes: readonly HypotheticalIndex[];
  seconds: number;
  /** What it expects the workload to cost, as a share of its cost without. */
  expected: number;
  candidates: number;
  plans: number;
}

export interface Asked {
  url: string;
  queries: readonly WorkloadQuery[];
  budgetBytes: number;
  /** For a twin. */
  folder: string;
}

const noAdvice: Advice = {
  subject: 'no advice',
  indexes: [],
  seconds: 0,
  expected: 1,
  candidates: 0,
  plans: 0,
};

export async function adviceOf(subject: SubjectName, asked: Asked): Promise<Advice> {
  if (subject === 'no advice') return noAdvice;
  const began = performance.now();
  const advice = subject === 'HypoPG, greedy' ? await greedy(asked) : await pitcrew(asked, subject === 'Pitcrew, twin');
  return { subject, ...advice, seconds: (performance.now() - began) / 1000 };
}

type Found = Omit<Advice, 'subject' | 'seconds'>;

async function greedy({ url, queries, budgetBytes }: Asked): Promise<Found> {
  const candidates = await inSession(url, (client) => classicCandidates(client, queries));
  await using whatIf = await openHypopg({ url });
  const { indexes, before, after, plans } = await greedySelection(whatIf, queries, candidates, budgetBytes);
  return { indexes, expected: after / before, candidates: candidates.length, plans };
}

async function pitcrew({ url, queries, budgetBytes, folder }: Asked, twin: boolean): Promise<Found> {
  const connection = await connectDatabase({ url });
  let whatIf: WhatIf | undefined;
  try {
    const profile = await probeProfile(connection);
    whatIf = twin
      ? await openTwin({ connection, profile, dataDir: join(folder, 'twin') })
      : await openHypopg({ url, profile });
    const workload = workloadOf(queries);
    const advice = await adviseIndexes({ connection, profile, whatIf, workload, budgetBytes, selectIndexes });
    return {
      indexes: advice.indexes.map(({ index }) => index),
      expected: advice.cost.after / advice.cost.before,
      candidates: advice.candidates,
      plans: advice.plans,
    };
  } finally {
    await whatIf?.close();
    await connection.close();
  }
}

function workloadOf(queries: readonly WorkloadQuery[]): Workload {
  return {
    source: 'file',
    coverage: 1,
    leftOut: [],
    statements: queries.map(({ id, text, samples = [], weight = 1 }) => ({
      id,
      text,
      samples,
      callsPerHour: weight,
      meanMs: null,
    })),
  };
}
