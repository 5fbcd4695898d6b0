import { PitcrewError } from '../../../../errors.ts';
import type { History } from '../../../store/index.ts';
import { type IndexAdvice, missingIndex } from '../../indexes/index.ts';
import type { Finding } from '../../types.ts';
import type { Answered } from './merge.ts';
import type { IndexReport } from './reports.ts';

/** What a choice of indexes is asked with. */
export interface IndexRequest {
  url: string;
  targetId: number;
  history: History;
  budgetBytes: number | undefined;
  /** Findings that want an index dropped. */
  drops: readonly Finding[];
  onProgress: (progress: { phase: string; ratio: number | null }) => void;
  signal: AbortSignal;
}

/** What a choice of indexes found, and from what. */
export interface IndexChoice {
  advice: IndexAdvice;
  backend: IndexReport['backend'];
  workload: IndexReport['workload'];
}

/** Chooses indexes for the workload of a database. */
export type IndexAdviser = (request: IndexRequest) => Promise<IndexChoice>;

export function standbyRefusal(): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'the server is a standby', {
    detail: 'Its indexes are those of its primary.',
    hint: 'Choose indexes for the primary; what its replicas use is asked too where they are watched.',
  });
}

/** @throws {PitcrewError} `E_UNSUPPORTED` where indexes cannot be chosen */
export function requireChoosable(adviser: IndexAdviser | undefined, isStandby: boolean): IndexAdviser {
  if (isStandby) throw standbyRefusal();
  if (adviser) return adviser;
  throw new PitcrewError('E_UNSUPPORTED', 'indexes cannot be chosen here', {
    detail: 'This daemon was started without planning under other indexes.',
  });
}

/** The findings of a choice as answers: what is not advised any more is gone; what is to be dropped belongs to its own check. */
export function indexAnswers({ advice }: IndexChoice): Answered[] {
  const findings = advice.indexes.map(({ finding, statements }): Finding => {
    const affected = statements.map(({ id, text, callsPerHour, costBefore, costAfter }) => ({
      id,
      text,
      callsPerHour,
      costBefore,
      costAfter,
    }));
    return { ...finding, affected };
  });
  const drops = advice.drops.flatMap(({ confirmed, finding }) => (confirmed ? [finding] : []));
  return [
    {
      check: missingIndex,
      answer:
        findings.length > 0
          ? { status: 'found', findings }
          : { status: 'fine', message: 'No further index would help the workload.' },
    },
    ...(drops.length > 0 ? [{ check: 'confirmed-drops', answer: { status: 'found', findings: drops } as const }] : []),
  ];
}

export function indexReport({ advice, backend, workload }: IndexChoice): IndexReport {
  const { indexes, drops: _drops, findings: _findings, ...summary } = advice;
  return {
    ...summary,
    backend,
    workload,
    indexes: indexes.map(({ finding, index, name, sizeBytes, workloadShare }) => ({
      key: finding.key,
      name,
      schema: index.schema,
      table: index.table,
      sizeBytes,
      workloadShare,
    })),
  };
}
