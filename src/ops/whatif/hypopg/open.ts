import { PitcrewError } from '../../../errors.ts';
import {
  connectDatabase,
  type ConnectOptions,
  marked,
  probeProfile,
  type ServerProfile,
  type Transaction,
} from '../../../engine/postgres/index.ts';
import { loadParser } from '../../../sql/index.ts';
import { createIndexStatement } from '../create-index.ts';
import type { HypotheticalIndex, IndexName, IndexSet, WhatIf, WhatIfPlan, WhatIfStatement } from '../types.ts';
import { safeIndexes } from './delicate.ts';
import { explain, refuseUnplannable, takeOverSettings } from './explain.ts';
import { type Extension, findExtension, gapsOf, resetIndexes } from './extension.ts';
import { readPlan } from './plan-tree.ts';

export interface HypopgOptions extends Pick<ConnectOptions, 'url' | 'applicationName' | 'connectTimeoutMs'> {
  /** What the server is, where it is known already. */
  profile?: ServerProfile;
  /** Of planning one statement, in ms; 5000 by default. */
  statementTimeoutMs?: number;
}

const lockTimeoutMs = 100;

/**
 * Plans on the watched database itself, with the extension HypoPG, in one session of its own that only reads: hypothetical indexes
 * live in the memory of that session, and are gone after every answer. For those who have installed HypoPG and prefer it to a
 * twin. What it cannot imagine is in `gaps`, and refused with `E_UNSUPPORTED` when it is asked for.
 * @throws {PitcrewError} `E_UNSUPPORTED` where HypoPG is not installed, or a pooler stands between; as `connectDatabase`.
 */
export async function openHypopg(options: HypopgOptions): Promise<WhatIf> {
  const { statementTimeoutMs = 5000 } = options;
  await loadParser();
  const connection = await connectDatabase({ ...options, statementTimeoutMs, lockTimeoutMs });
  try {
    const extension = await findExtension(connection);
    const profile = options.profile ?? (await probeProfile(connection));
    const limits = { statementTimeoutMs, lockTimeoutMs };
    /** Hypothetical indexes belong to the session, not to a transaction: they are removed whatever became of it. */
    const alone = async <Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result> => {
      try {
        return await connection.rolledBack(limits, work);
      } finally {
        if (connection.isOpen) await connection.run(resetIndexes(extension));
      }
    };
    let tail: Promise<unknown> = Promise.resolve();
    const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
      const turn = tail.then(work);
      tail = turn.catch(() => {});
      return turn;
    };
    return {
      backend: 'hypopg',
      gaps: gapsOf(extension),
      plan: (statement, indexes = {}) =>
        inTurn(() => alone((transaction) => planUnder(transaction, { extension, profile, statement, indexes }))),
      size: (index) => inTurn(() => alone((transaction) => sizeOf(transaction, extension, index))),
      close: () => connection.close(),
      [Symbol.asyncDispose]: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

interface Planning {
  extension: Extension;
  profile: ServerProfile;
  statement: WhatIfStatement;
  indexes: IndexSet;
}

async function planUnder(
  transaction: Transaction,
  { extension, profile, statement, indexes: { add = [], hide = [] } }: Planning,
): Promise<WhatIfPlan> {
  refuseUnplannable(statement.text);
  await takeOverSettings(transaction, statement.searchPath);
  const ids = new Map<string, string>();
  for (const index of await safeIndexes(transaction, statement.text, add)) {
    const { name } = await imagine(transaction, extension, index);
    ids.set(name, index.id);
  }
  for (const index of hide) await hideIndex(transaction, extension, index);
  try {
    return readPlan(await explain(transaction, profile, statement), ids);
  } catch (error) {
    throw ids.size > 0 ? asEvaluated(error) : error;
  }
}

/** Planning calls functions that are declared immutable. Theirs are plans with hypothetical indexes too, but these are run. */
function asEvaluated(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith('could not open relation with OID')) return error;
  return new PitcrewError('E_UNSUPPORTED', 'HypoPG cannot plan this statement with indexes that do not exist', {
    detail: 'It calls a function that is declared immutable although it reads tables, which planning evaluates.',
    hint: 'Declare the function STABLE, or plan on a twin of the database.',
    cause: error,
  });
}

async function sizeOf(transaction: Transaction, extension: Extension, index: HypotheticalIndex): Promise<number> {
  const { oid } = await imagine(transaction, extension, index);
  const [found] = await transaction.execute<{ bytes: number }>(
    marked(`SELECT ${extension.schema}.hypopg_relation_size($1::oid)::float8 AS "bytes"`),
    [oid],
  );
  // An index has a page even when it is empty; HypoPG counts full pages only.
  return Math.max(found?.bytes ?? 0, 8192);
}

/** Makes a hypothetical index in the session. @returns its name in plans, and its oid. */
async function imagine(
  transaction: Transaction,
  { schema, version }: Extension,
  index: HypotheticalIndex,
): Promise<{ oid: number; name: string }> {
  let made: { oid: number; name: string } | undefined;
  try {
    [made] = await transaction.execute<{ oid: number; name: string }>(
      marked(`SELECT indexrelid AS "oid", indexname AS "name" FROM ${schema}.hypopg_create_index($1)`),
      [createIndexStatement(index, { name: index.id })],
    );
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('hypopg: ')) throw error;
    throw new PitcrewError('E_UNSUPPORTED', `HypoPG ${version} cannot imagine the index "${index.id}"`, {
      detail: error.message.replace(/^hypopg: /, ''),
      hint: 'Plan on a twin of the database.',
      cause: error,
    });
  }
  if (made) return made;
  throw new PitcrewError('E_UNSUPPORTED', `HypoPG ${version} cannot imagine the index "${index.id}"`, {
    hint: 'Plan on a twin of the database.',
  });
}

async function hideIndex(transaction: Transaction, extension: Extension, { schema, name }: IndexName): Promise<void> {
  if (!extension.canHide) {
    throw new PitcrewError('E_UNSUPPORTED', `HypoPG ${extension.version} cannot hide indexes`, {
      detail: `The index "${schema}"."${name}" exists and would be planned with.`,
      hint: 'Install HypoPG 1.4 or newer, or plan on a twin of the database.',
    });
  }
  const [hidden] = await transaction.execute<{ hidden: boolean }>(
    marked(`
      SELECT ${extension.schema}.hypopg_hide_index(c.oid) AS "hidden"
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('i', 'I')`),
    [schema, name],
  );
  if (hidden) return;
  throw new PitcrewError('E_NOT_FOUND', `there is no index "${schema}"."${name}"`);
}
