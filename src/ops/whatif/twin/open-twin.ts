import { rmSync } from 'node:fs';
import { PitcrewError } from '../../../errors.ts';
import { quoteIdentifier } from '../../../engine/postgres/index.ts';
import { embeddedBinaries, removeServer } from '../../embedded/index.ts';
import type { IndexName, IndexSet, WhatIfPlan, WhatIfStatement } from '../types.ts';
import { carryColumns } from './build/columns.ts';
import { carryExtended } from './build/extended.ts';
import { makeHelpers } from './build/helpers.ts';
import { makeSchema, isTable } from './build/schema.ts';
import { startTwinServer, type TwinServer } from './build/server.ts';
import { applySettings, applyTablespaceCosts } from './build/settings.ts';
import { extendFiles, relationStatistics } from './build/sizes.ts';
import { restoreRelations } from './build/statistics.ts';
import { plainName } from './build/tables.ts';
import { blockSize } from './files/page.ts';
import { collectGaps, type Gaps } from './gaps.ts';
import { openIndexPool } from './hypothetical/pool.ts';
import { findIndexes } from './hidden.ts';
import type { Twin, TwinOptions, TwinProgress } from './options.ts';
import { costOfPlan, indexesOfPlan } from './plan-indexes.ts';
import { withoutSkipScans } from './skip-scans.ts';
import { openPlanner } from './planning.ts';
import { asBuildError } from './query-error.ts';
import { readCatalog, type SourceCatalog } from './source/catalog.ts';
import { selectTables } from './source/selection.ts';
import { openSource } from './source/source.ts';

/**
 * Makes a planner twin of the watched database: an embedded PostgreSQL 18 with its schema, its statistics and its planner
 * settings, and files that are as long as its own but empty. On the source only the catalog is read, with no lock beyond ACCESS SHARE.
 * @throws {PitcrewError} `E_UNSUPPORTED` (another block size), `E_MISSING_PACKAGE`, `E_DATA_DIR`, `E_EMBEDDED`, and what
 *   reading the source throws.
 */
export async function openTwin(options: TwinOptions): Promise<Twin> {
  const began = performance.now();
  const { connection, profile, signal } = options;
  if (profile.blockSize !== blockSize) {
    throw new PitcrewError('E_UNSUPPORTED', `a twin needs blocks of ${blockSize} bytes`, {
      detail: `The server was built with blocks of ${profile.blockSize} bytes, by which its planner counts.`,
      hint: 'Use HypoPG on that server.',
    });
  }
  // Better told before the catalog is read.
  embeddedBinaries();
  const gaps = collectGaps();
  const progress = (stage: TwinProgress['stage'], done: number, total: number): void =>
    options.onProgress?.({ stage, done, total });
  progress('catalog', 0, 1);
  const source = openSource(connection, signal);
  const catalog = selectTables(await readCatalog(source, options.role), options.tables);
  nameLocked(catalog, source.locked, gaps);
  progress('server', 0, 1);
  const twin = await startTwinServer(options.dataDir, profile.database, catalog.locale, gaps).catch(
    async (error: unknown) => {
      await removeTwin(options.dataDir).catch(() => {});
      throw error;
    },
  );
  try {
    await makeHelpers(twin.admin);
    await makeSchema(twin, catalog, gaps, progress);
    signal?.throwIfAborted();
    const { columns, widths } = await carryColumns(twin, connection, profile, catalog, gaps, (done, total) =>
      progress('statistics', done, total),
    );
    await carryExtended(twin, source, catalog, gaps);
    await restoreRelations(twin.admin, relationStatistics(catalog));
    await extendFiles(twin.admin, twin.server.dataDir, catalog, widths, (done, total) =>
      progress('sizes', done, total),
    );
    await applyTablespaceCosts(twin.admin, catalog.tablespaces, gaps);
    await applySettings(twin.owner, catalog.settings, profile, gaps);
    const carried = {
      tables: catalog.relations.filter(isTable).length,
      indexes: catalog.indexes.length,
      columns,
    };
    return openedTwin(twin, options, catalog, gaps, carried, (performance.now() - began) / 1000);
  } catch (error) {
    await end(twin, options);
    throw asBuildError(error, options.dataDir);
  }
}

/**
 * Removes what a twin left: one that was kept, or whose process was killed.
 * @throws {PitcrewError} `E_DATA_DIR` when it is in use, or the folder holds something else.
 */
export async function removeTwin(dataDir: string): Promise<void> {
  await removeServer(dataDir);
  for (const suffix of ['.lock', '.lock.pid']) rmSync(dataDir + suffix, { force: true });
}

async function end(twin: TwinServer, { dataDir, keep }: TwinOptions): Promise<void> {
  await twin.close();
  if (!keep) await removeTwin(dataDir);
}

function nameLocked({ relations }: SourceCatalog, locked: ReadonlySet<number>, gaps: Gaps): void {
  for (const relation of relations) {
    if (!locked.has(relation.oid)) continue;
    gaps.add(
      `table ${plainName(relation)}`,
      'another session has it locked exclusively, and the twin does not wait',
      'make the twin again when that session is done',
    );
  }
}

function openedTwin(
  twin: TwinServer,
  options: TwinOptions,
  { settings }: SourceCatalog,
  gaps: Gaps,
  carried: Twin['carried'],
  seconds: number,
): Twin {
  const { owner, server } = twin;
  const user = quoteIdentifier(options.role ?? options.profile.user);
  const planner = openPlanner(owner, (settings.get('search_path') ?? 'public').replace('"$user"', user));
  const pool = openIndexPool(owner, server.dataDir);
  const explain = options.profile.versionNumber < 180_000 ? withoutSkipScans(owner, planner.explain) : planner.explain;
  let tail: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;

  /** One after the other: there is one session. */
  function next<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = tail.then(() => {
      if (closing) throw new PitcrewError('E_EMBEDDED', 'the twin is closed');
      return work();
    });
    tail = turn.catch(() => {});
    return turn;
  }

  async function plan(statement: WhatIfStatement, { add = [], hide = [] }: IndexSet = {}): Promise<WhatIfPlan> {
    const shown: number[] = [];
    for (const index of add) shown.push(...(await pool.get(index)).oids);
    const hidden = await findIndexes(owner, hide);
    const answer = await explain(statement, { shown, hidden });
    const uses = new Set<string>();
    const usesExisting: IndexName[] = [];
    for (const used of indexesOfPlan(answer)) {
      const id = pool.idOf(used.schema, used.name);
      if (id === undefined) usesExisting.push({ schema: used.schema, name: used.name });
      else uses.add(id);
    }
    return { cost: costOfPlan(answer), plan: answer, uses: [...uses], usesExisting };
  }

  function close(): Promise<void> {
    closing ??= tail.then(() => end(twin, options));
    return closing;
  }

  return {
    backend: 'twin',
    carried,
    seconds,
    get gaps() {
      return gaps.all;
    },
    plan: (statement, indexes) => next(() => plan(statement, indexes)),
    size: (index) => next(async () => (await pool.get(index)).bytes),
    close,
    [Symbol.asyncDispose]: close,
  };
}
