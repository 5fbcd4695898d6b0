import type { HelpedStatement, IndexAdvice } from '../../ops/advisor/index.ts';
import type { WhatIf, WhatIfGap } from '../../ops/whatif/index.ts';
import { toPitcrewError } from '../../errors.ts';
import { sayAdviceProgress, sayTwinProgress } from '../what-if-progress.ts';
import { planLine } from './plan-line.ts';

/** An index that would help, with the statements that make it. */
export interface ProposedIndex {
  name: string;
  table: string;
  create: readonly string[];
  sizeBytes: number;
}

/** What all of them together do for a statement. */
export interface Helped {
  /** `null` for the explained statement; else what the server asks because of it, such as whether a foreign key refers to a row. */
  text: string | null;
  /** Planned costs of one call, without and with them. */
  cost: { before: number; after: number };
  /** Values that the costs are the mean of, typical ones of its columns; empty when it has none. */
  typicalValues: HelpedStatement['samples'];
  /** Its plan with them, in one line. */
  plan: string | null;
}

/** Indexes that would make a statement cheaper. */
export type IndexProposal =
  | { status: 'proposed'; indexes: readonly ProposedIndex[]; statements: readonly Helped[] }
  | { status: 'none' }
  | { status: 'unknown'; reason: string; fix: string | null };

/** What is said of indexes: of the statement, and of it written better. */
export interface StatementIndexes {
  backend: WhatIf['backend'];
  seconds: number;
  /** Whether the server is a standby, so that they have to be made on its primary. */
  isStandby: boolean;
  statement: IndexProposal;
  /** For the first of the rewrites whose result is certainly the same, where it and its indexes cost less than the statement and its own. */
  rewritten: { rule: string; proposal: IndexProposal & { status: 'proposed' } } | null;
  /** What planning did without. */
  gaps: readonly WhatIfGap[];
}

export interface StatementIndexesOptions {
  url: string;
  backend: WhatIf['backend'];
  /** Folder of the database's twins. */
  twins: string;
  query: string;
  /** A better way to write it, with the same result. */
  rewrite: { rule: string; text: string } | undefined;
  say(text: string): void;
  /** Nothing is said of indexes any more when it fires: what it threw comes out. */
  signal: AbortSignal;
}

/** All of it takes no longer. */
const mostMs = 60_000;
/** Of it, planning one statement. */
const planningSeconds = 15;
/** Share of the statement's cost that an index must spare. */
const leastShare = 0.05;
/** Of reading the catalog. */
const statementTimeoutMs = 20_000;
/** A rewritten statement is worth showing with indexes of its own from this share of the cost on. */
const worthwhile = 0.9;

/**
 * Which indexes would help one statement: what `index analyze` does, for a workload of it alone. Writes are not weighed, as nobody knows how
 * often it is called. Within a minute; what goes wrong is an answer too.
 */
export async function statementIndexes(options: StatementIndexesOptions): Promise<StatementIndexes> {
  const began = performance.now();
  const late = AbortSignal.timeout(mostMs);
  const answer = (statement: IndexProposal, more: Partial<StatementIndexes> = {}): StatementIndexes => ({
    backend: options.backend,
    seconds: (performance.now() - began) / 1000,
    isStandby: false,
    statement,
    rewritten: null,
    gaps: [],
    ...more,
  });
  try {
    const { statement, ...more } = await propose({ ...options, signal: AbortSignal.any([options.signal, late]) });
    return answer(statement, more);
  } catch (thrown) {
    if (options.signal.aborted) throw thrown;
    if (late.aborted) {
      return answer({
        status: 'unknown',
        reason: `planning with other indexes was not done within ${mostMs / 1000} s`,
        fix: '"pitcrew index analyze --workload FILE" takes the time that it needs',
      });
    }
    const { message, detail, hint } = toPitcrewError(thrown);
    const reason = detail === undefined ? message : `${message}: ${detail}`;
    return answer({ status: 'unknown', reason, fix: hint ?? null });
  }
}

const unknown = (reason: string): IndexProposal => ({ status: 'unknown', reason, fix: null });
const tableless = 'it reads no table of the database';

type Proposed = Pick<StatementIndexes, 'statement'> & Partial<StatementIndexes>;

async function propose(options: StatementIndexesOptions): Promise<Proposed> {
  const { url, backend, twins, query, rewrite, say, signal } = options;
  const { connectDatabase, probeProfile } = await import('../../engine/postgres/index.ts');
  const { adviseIndexes, openWhatIf, selectIndexes, workloadFromText } = await import('../../ops/advisor/index.ts');
  const { describe } = await import('../../sql/index.ts');
  const workload = await workloadFromText(query);
  const [leftOut] = workload.leftOut;
  if (leftOut) return { statement: unknown(leftOut.reason) };
  const { kind, read, written } = describe(query);
  if (kind !== 'unknown' && read.length + written.length === 0) return { statement: unknown(tableless) };
  const connection = await connectDatabase({ url, statementTimeoutMs });
  try {
    const profile = await probeProfile(connection);
    const onProgress = (progress: Parameters<typeof sayTwinProgress>[0]): void => say(sayTwinProgress(progress));
    await using whatIf = await openWhatIf({ backend, url, connection, profile, twins, workload, onProgress, signal });
    const advise = async (text: string): Promise<{ proposal: IndexProposal; gaps: readonly WhatIfGap[] }> => {
      const advice = await adviseIndexes({
        connection,
        profile,
        whatIf,
        workload: text === query ? workload : await workloadFromText(text),
        selectIndexes,
        limits: { planningSeconds, leastShare },
        tellValues: true,
        onProgress: (progress) => say(sayAdviceProgress(progress)),
        signal,
      });
      return { proposal: await proposalOf(text, advice, whatIf), gaps: advice.gaps };
    };
    const { proposal: statement, gaps } = await advise(query);
    const better = rewrite && (await advise(rewrite.text)).proposal;
    const rewritten = better && isCheaper(better, statement) ? { rule: rewrite.rule, proposal: better } : null;
    return { isStandby: profile.isStandby, statement, rewritten, gaps };
  } finally {
    await connection.close();
  }
}

async function proposalOf(text: string, advice: IndexAdvice, whatIf: WhatIf): Promise<IndexProposal> {
  const { indexes, leftOut, statements } = advice;
  if (indexes.length === 0) {
    const why = leftOut.find((each) => each.text === text)?.reason;
    if (why !== undefined) return unknown(why);
    return statements.planned > 0 ? { status: 'none' } : unknown(tableless);
  }
  const helped = new Map(indexes.flatMap((each) => each.statements.map((statement) => [statement.id, statement])));
  return {
    status: 'proposed',
    indexes: indexes.map(({ name, index, sizeBytes, finding }) => ({
      name,
      table: `${index.schema}.${index.table}`,
      create: finding.remedy?.fix ?? [],
      sizeBytes,
    })),
    statements: await Promise.all(Array.from(helped.values(), (statement) => helpedOf(statement, indexes, whatIf))),
  };
}

/** The id of the statement itself in a workload of it alone. */
const own = '1';

async function helpedOf(
  { id, text, samples, costBefore, costAfter }: HelpedStatement,
  indexes: IndexAdvice['indexes'],
  whatIf: WhatIf,
): Promise<Helped> {
  const [parameters] = samples;
  const { plan } = await whatIf.plan(
    { text, ...(parameters ? { parameters } : {}) },
    { add: indexes.map(({ index }) => index) },
  );
  return {
    text: id === own ? null : text,
    cost: { before: costBefore, after: costAfter },
    typicalValues: samples,
    plan: await planLine(plan, new Map(indexes.map(({ index, name }) => [index.id, name]))),
  };
}

function costOf(proposal: IndexProposal): number | undefined {
  return proposal.status === 'proposed' ? proposal.statements.find(({ text }) => text === null)?.cost.after : undefined;
}

function isCheaper(better: IndexProposal, statement: IndexProposal): better is IndexProposal & { status: 'proposed' } {
  const [cost, before] = [costOf(better), costOf(statement)];
  return cost !== undefined && (before === undefined || cost < before * worthwhile);
}
